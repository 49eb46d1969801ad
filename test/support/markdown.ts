import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { slug } from '../../docs/site/slug.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** The text of a file of the repository. */
export const readDoc = (file: string) => readFileSync(`${ROOT}/${file}`, 'utf8')

/** Every Markdown file that people read. */
export function markdownFiles(): string[] {
  const below = (folder: string) =>
    (readdirSync(`${ROOT}/${folder}`, { recursive: true }) as string[]).map((name) => `${folder}/${name}`)
  const own = readdirSync(ROOT).filter((name) => name !== 'node_modules')
  return [...own, ...['docs', 'clients', 'deploy', 'examples'].flatMap(below)].filter(
    (file) => file.endsWith('.md') && !/(^|\/)(node_modules|site|\..*)\//.test(file),
  )
}

/** Without blocks of code. */
export const proseOf = (text: string) => text.replace(/^```[\s\S]*?^```$/gm, '')

/** The files and anchors that a page leads to, from the root of the repository; what is elsewhere in the web is left out. */
export function linksOf(file: string, text = readDoc(file)): { target: string; anchor?: string }[] {
  const links = [
    ...proseOf(text)
      .replace(/`[^`\n]+`/g, '')
      .matchAll(/\]\(([^)\s]+)\)/g),
  ]
  return links
    .map(([, link]) => link!)
    .filter((link) => !/^[a-z]+:/.test(link))
    .map((link) => {
      const [path, anchor] = link.split('#')
      const target = path === '' ? file : posix.normalize(posix.join(posix.dirname(file), path!))
      return { target, ...(anchor !== undefined && { anchor }) }
    })
}

/** The anchors of a page's headings; the second of the same name ends in `-1`. */
export function anchorsOf(text: string): Set<string> {
  const seen = new Map<string, number>()
  const anchors = [...proseOf(text).matchAll(/^#+ +(.*)$/gm)].map(([, heading]) => {
    const name = slug(heading!.replace(/\]\([^)]*\)/g, ''))
    const before = seen.get(name) ?? 0
    seen.set(name, before + 1)
    return before === 0 ? name : `${name}-${before}`
  })
  return new Set(anchors)
}

/** What is wrong with a link, or nothing. */
export function deadLink({ target, anchor }: { target: string; anchor?: string }): string | undefined {
  const path = `${ROOT}/${target}`
  if (!existsSync(path)) return `${target} does not exist`
  if (anchor === undefined || statSync(path).isDirectory()) return undefined
  return anchorsOf(readDoc(target)).has(anchor) ? undefined : `${target} has no heading #${anchor}`
}
