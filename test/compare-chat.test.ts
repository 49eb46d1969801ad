import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const read = (path: string) => readFileSync(fileURLToPath(new URL(`../${path}`, import.meta.url)), 'utf8')

it('docs/compare-chat.md names tests and commands that exist, and a document for every number', () => {
  const page = read('docs/compare-chat.md')
  const shown = page.slice(page.indexOf('## Shown by'), page.indexOf('## Where we lose'))
  const rows = shown.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| claim |'))
  expect(rows.length).toBeGreaterThan(15)
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
  for (const row of rows.filter((line) => !line.startsWith('| --- '))) {
    const [, command] = /`npm run (\S+)`/.exec(row) ?? []
    if (command !== undefined) {
      expect(scripts, row).toHaveProperty([command])
      continue
    }
    const [, file, title] = /`((?:test|src)\/\S+\.test\.ts)` "([^"]+)"/.exec(row) ?? []
    expect(file, row).toBeDefined()
    expect(existsSync(fileURLToPath(new URL(`../${file}`, import.meta.url))), row).toBe(true)
    expect(read(file!), row).toContain(`it('${title}'`)
  }
  const [text, documents] = page.split('## Documents of the others') as [string, string]
  const cited = new Set([...text.matchAll(/\[(\d+)\]/g)].map(([, number]) => Number(number)))
  const listed = [...documents.matchAll(/^(\d+)\. .*\]\(https:/gm)].map(([, number]) => Number(number))
  expect([...cited].sort((a, b) => a - b)).toEqual(listed)
})
