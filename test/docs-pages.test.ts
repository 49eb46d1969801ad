import { readdirSync, statSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { CONTENTS, translationOf, WITHOUT_ENTRY } from '../docs/site/contents.ts'
import { anchorsOf, deadLink, linksOf, markdownFiles, proseOf, readDoc } from './support/markdown.ts'

const PAGES = CONTENTS.flatMap(({ pages }) => pages)
const TRANSLATED = PAGES.filter(({ zh }) => zh).map(({ file }) => [translationOf(file), file] as const)
const englishOf = new Map<string, string>(TRANSLATED)

/** What both languages share: the levels of headings, the commands and code without comments, the code in each row of a table. */
function outline(file: string) {
  const text = readDoc(file)
  const prose = proseOf(text)
  const rows = prose.split('\n').filter((line) => line.startsWith('|'))
  return {
    headings: [...prose.matchAll(/^(#+) /gm)].map(([, level]) => level),
    code: [...text.matchAll(/^```(sh|bash|ts|yaml)\n([\s\S]*?)^```$/gm)].map(([, language, code]) =>
      code!.replace(language === 'ts' ? /\s*\/\/ .*$/gm : /\s*# .*$/gm, ''),
    ),
    rows: rows.map((row) => [...row.matchAll(/`[^`]+`/g)].map(([name]) => name).sort()),
    // The same pages and pictures, each in its own language where there is one.
    links: linksOf(file, text)
      .map(({ target }) => englishOf.get(target) ?? target)
      .sort(),
  }
}

describe.each(TRANSLATED)('%s', (chinese, english) => {
  it(`is in step with ${english}`, () => {
    expect(outline(chinese)).toEqual(outline(english))
  })

  it('leads to pages in Chinese where there are any', () => {
    const toEnglish = linksOf(chinese).filter(({ target }) => [...englishOf.values()].includes(target))
    expect(toEnglish.map(({ target }) => target).filter((target) => target !== english)).toEqual([])
  })

  it('has full-width punctuation between Chinese characters', () => {
    // Code and the addresses of links are not text.
    const prose = proseOf(readDoc(chinese)).replace(/`[^`\n]+`|\]\([^)]*\)/g, '`')
    expect(prose.match(/[\u4e00-\u9fff][,;:?!()]|[,;:?!(][\u4e00-\u9fff]/g)).toEqual(null)
  })
})

it('has one word for a fleet in Chinese, in the docs and in what is shown', () => {
  const shown = ['web', 'src'].flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('texts.ts') || file.endsWith('token.ts'))
      .map((file) => `${folder}/${file}`),
  )
  const other = /机群|服务器群|舰队/
  const files = [...shown, ...TRANSLATED.map(([chinese]) => chinese), 'README.zh-CN.md']
  expect(files.filter((file) => other.test(readDoc(file)))).toEqual([])
  expect(files.filter((file) => readDoc(file).includes('集群')).length).toBeGreaterThan(8)
})

it.each(markdownFiles())('%s has no link that leads nowhere', (file) => {
  expect(linksOf(file).flatMap((link) => deadLink(link) ?? [])).toEqual([])
})

it('knows a file that is missing and a heading that is missing', () => {
  expect(deadLink({ target: 'docs/nothing.md' })).toBe('docs/nothing.md does not exist')
  expect(deadLink({ target: 'docs/slo.md', anchor: 'nothing' })).toBe('docs/slo.md has no heading #nothing')
  expect(anchorsOf('# A b: c\n```\n# code\n```\n## `x` and y\n## A b: c\n## 扩缩容\n')).toEqual(
    new Set(['a-b-c', 'x-and-y', 'a-b-c-1', '扩缩容']),
  )
})

it('lists every page of the guide in the sidebar of the site, once', () => {
  const listed = [...PAGES.map(({ file }) => file), ...englishOf.keys()]
  const inDocs = markdownFiles().filter((file) => file.startsWith('docs/') && !WITHOUT_ENTRY.test(file))
  expect(inDocs.filter((file) => !listed.includes(file))).toEqual([])
  expect([...new Set(listed)]).toEqual(listed)
})

describe('docs/compare-tools.md', () => {
  const page = readDoc('docs/compare-tools.md')
  const rows = page.split('\n').filter((line) => /^\| (?!\||---)/.test(line))

  it('names a test for what it says of us, which is there', () => {
    const tried = rows.flatMap((row) => {
      const [, file, title] = /\]\(\.\.\/([^)]+\.test\.ts)\) “([^”]+)” \|$/.exec(row) ?? []
      return file ? [{ file, title: title! }] : []
    })
    expect(tried.length).toBeGreaterThan(20)
    const missing = tried.filter(({ file, title }) => !readDoc(file).includes(`'${title}'`))
    expect(missing).toEqual([])
  })

  it('says where others are ahead, in every table', () => {
    const tables = page.split(/^## /m).filter((section) => section.includes('| tried by |'))
    expect(tables.length).toBe(4)
    for (const table of tables) expect(table).toMatch(/\*\*[^*]+\*\*/)
  })
})

it('every picture of the guide is small, and on a page', () => {
  const pictures = readdirSync(new URL('../docs/images', import.meta.url)).map(
    (name) => `docs/images/${name}`,
  )
  const shown = new Set(markdownFiles().flatMap((file) => linksOf(file).map(({ target }) => target)))
  expect(pictures.filter((picture) => !shown.has(picture))).toEqual([])
  const large = pictures.filter(
    (picture) => statSync(new URL(`../${picture}`, import.meta.url)).size > 200_000,
  )
  expect(large).toEqual([])
})
