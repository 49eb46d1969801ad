import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

const read = (name: string) => readFileSync(new URL(`../${name}`, import.meta.url), 'utf8')

/** What both languages share: the levels of headings, the commands and code without comments, the code in each row of a table. */
function outline(text: string) {
  const prose = text.replace(/^```[\s\S]*?^```$/gm, '')
  const rows = prose.split('\n').filter((line) => line.startsWith('|'))
  return {
    headings: [...prose.matchAll(/^(#+) /gm)].map(([, level]) => level),
    code: [...text.matchAll(/^```(sh|ts)\n([\s\S]*?)^```$/gm)].map(([, language, code]) =>
      code!.replace(language === 'sh' ? /\s*# .*$/gm : /\s*\/\/ .*$/gm, ''),
    ),
    rows: rows.map((row) => [...row.matchAll(/`[^`]+`/g)].map(([name]) => name).sort()),
    images: [...prose.matchAll(/!\[[^\]]*\]\(([^)]+)\)/g)].map(([, path]) => path),
    links: [...prose.matchAll(/\]\(([^)]+)\)/g)].map(([, path]) => path!.replace('.zh-CN', '')).sort(),
  }
}

it('README.zh-CN.md is in step with README.md', () => {
  expect(outline(read('README.zh-CN.md'))).toEqual(outline(read('README.md')))
})

it('README.zh-CN.md has full-width punctuation between Chinese characters', () => {
  const prose = read('README.zh-CN.md').replace(/^```[\s\S]*?^```$/gm, '')
  expect(prose.match(/[\u4e00-\u9fff][,;:?!()]|[,;:?!(][\u4e00-\u9fff]/g)).toEqual(null)
})
