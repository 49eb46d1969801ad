import { cpSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, posix } from 'node:path'
import { CONTENTS, pageOf, translationOf, WITHOUT_ENTRY } from '../docs/site/contents.ts'

/** The files of all pages, in both languages. */
export function pageFiles(root: string): string[] {
  const decisions = readdirSync(join(root, 'docs/decisions')).map((name) => `docs/decisions/${name}`)
  return [
    ...CONTENTS.flatMap(({ pages }) =>
      pages.flatMap(({ file, zh }) => (zh ? [file, translationOf(file)] : [file])),
    ),
    ...decisions.filter((file) => WITHOUT_ENTRY.test(file)),
  ]
}

/** Links and pictures of Markdown, outside of code. */
const LINK = /(```[\s\S]*?^```$|`[^`\n]+`)|(\]\()([^)\s]+)(\))/gm

/**
 * Writes the pages as the site needs them. A link to another page leads to that page of the site; what else of the repository a page
 * names, such as a manifest, is given out beside the pages, a folder as the list of its files.
 */
export function writePages(root: string, target: string): void {
  const files = pageFiles(root)
  const known = new Set(files)
  for (const file of files) {
    const text = readFileSync(join(root, file), 'utf8').replace(
      LINK,
      (all, code: string | undefined, before: string, path: string, after: string) =>
        code === undefined ? before + linkFrom(file, path) + after : all,
    )
    write(pageOf(file), text)
  }
  cpSync(join(root, 'docs/images'), join(target, 'images'), { recursive: true })

  function write(page: string, text: string): void {
    const path = join(target, page)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
  }

  function linkFrom(file: string, path: string): string {
    if (/^([a-z]+:|#)/.test(path)) return path
    const [name, anchor] = path.split('#')
    const to = posix.normalize(posix.join(posix.dirname(file), name!))
    const here = posix.dirname(pageOf(file))
    const relative = (page: string) => posix.relative(here, page).replace(/^(?!\.)/, './')
    if (known.has(to)) return relative(pageOf(to)) + (anchor === undefined ? '' : `#${anchor}`)
    if (to.startsWith('docs/images/')) return relative(to.slice('docs/'.length))
    return statSync(join(root, to)).isDirectory() ? relative(folderPage(to)) : given(to)
  }

  /** A file of the repository as it is. */
  function given(file: string): string {
    const at = `files/${file}`
    mkdirSync(dirname(join(target, 'public', at)), { recursive: true })
    // As text, or browsers would offer to save it.
    cpSync(join(root, file), join(target, 'public', `${at}.txt`))
    return `/${at}.txt`
  }

  function folderPage(folder: string): string {
    const page = `files/${folder}.md`.replace('/.md', '.md')
    const names = readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(root.length).replace(/^\//, ''))
    const lines = names.sort().map((name) => `- [${name.slice(folder.length + 1)}](${given(name)})`)
    write(page, `# ${basename(folder)}\n\nThe files of \`${folder}\`:\n\n${lines.join('\n')}\n`)
    return page
  }
}
