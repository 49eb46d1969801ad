import { type Document, isScalar, visit } from 'yaml'

/** Keys are compared here: the parser compares each with all before it, which takes minutes for a file of a megabyte. */
export const PARSE_OPTIONS = { prettyErrors: false, uniqueKeys: false } as const

/** The first key that a map of the document has twice. */
export function repeatedKey(
  document: Document,
): { readonly key: string; readonly offset: number } | undefined {
  let repeated: { key: string; offset: number } | undefined
  visit(document, {
    Map(_, { items }) {
      const keys = new Set<unknown>()
      for (const { key } of items) {
        if (!isScalar(key)) continue
        if (keys.has(key.value)) {
          repeated = { key: String(key.value), offset: key.range?.[0] ?? 0 }
          return visit.BREAK
        }
        keys.add(key.value)
      }
      return undefined
    },
  })
  return repeated
}
