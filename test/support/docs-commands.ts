import { markdownFiles, readDoc } from './markdown.ts'

/** A command that a page shows. */
export interface DocsCommand {
  readonly page: string
  readonly words: readonly string[]
  /** Whether it is a whole command, in a block of a page, and not a part that the text mentions. */
  readonly whole: boolean
}

/** The words of a line of a shell, up to what sends its output elsewhere. */
function wordsOf(line: string): string[] {
  const words: string[] = []
  for (const [word] of line.matchAll(/(?:'[^']*'|"[^"]*"|\$\([^)]*\)|\\.|[^\s'"\\])+/g)) {
    if (/^(#|[12]?>|\||&|;)/.test(word)) break
    words.push(word.replace(/'([^']*)'|"([^"]*)"/g, '$1$2'))
  }
  // Variables before a command.
  while (/^[A-Z_]+=/.test(words[0] ?? '')) words.shift()
  return words
}

/** The commands of all pages whose words begin with `first`. */
export function docsCommands(...first: readonly string[]): DocsCommand[] {
  const found: DocsCommand[] = []
  const add = (page: string, line: string, whole: boolean) => {
    const words = wordsOf(line.trim())
    if (words[0] === 'npx' && words[1] !== 'tsx') words.shift()
    if (first.every((word, i) => words[i] === word))
      found.push({ page, words: words.slice(first.length), whole })
  }
  // What changed once was right then.
  for (const page of markdownFiles().filter((file) => !/CHANGELOG|decisions/.test(file))) {
    const text = readDoc(page)
    const blocks = [...text.matchAll(/^```(?:sh|bash)\n([\s\S]*?)^```$/gm)].map(([, block]) => block!)
    for (const line of blocks.flatMap((block) => block.replace(/\\\n\s*/g, ' ').split(/\n| && /)))
      add(page, line, true)
    for (const [, code] of text.replace(/^```[\s\S]*?^```$/gm, '').matchAll(/`([^`\n]+)`/g))
      add(page, code!, false)
  }
  return found
}
