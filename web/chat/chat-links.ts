import { texts } from './texts.ts'

/** An address in running text; what follows it in a sentence is cut off by `endOf`. */
const ADDRESS = /\bhttps?:\/\/[^\s<>"“”「」（），。；！？、]+/giu
const PAIRS: Readonly<Record<string, string>> = { ')': '(', ']': '[' }

const count = (text: string, character: string) => text.split(character).length - 1

/** Where the address in `found` ends: before the punctuation of the sentence, and before a bracket that it does not open. */
function endOf(found: string): number {
  let end = found.length
  for (; end > 0; end--) {
    const last = found[end - 1]!
    const opening = PAIRS[last]
    const within = found.slice(0, end)
    const unopened = opening !== undefined && count(within, last) > count(within, opening)
    if (!unopened && !".,;:!?'".includes(last)) break
  }
  return end
}

function link(text: string, { href, host }: URL): HTMLAnchorElement {
  const made = document.createElement('a')
  made.href = href
  made.target = '_blank'
  made.rel = 'noopener noreferrer'
  // An address may look like that of another host.
  made.title = texts.opensInNewTab(host)
  made.textContent = text
  return made
}

/** What a user wrote as text, with links where it has `http` and `https` addresses; nothing in it is read as markup. */
export function withLinks(text: string): (string | Node)[] {
  const parts: (string | Node)[] = []
  let from = 0
  for (const { 0: found, index } of text.matchAll(ADDRESS)) {
    const address = found.slice(0, endOf(found))
    const url = URL.canParse(address) ? new URL(address) : undefined
    if (url?.protocol !== 'http:' && url?.protocol !== 'https:') continue
    parts.push(text.slice(from, index), link(address, url))
    from = index + address.length
  }
  parts.push(text.slice(from))
  return parts
}
