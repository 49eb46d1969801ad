import { readdirSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

it('cites every rule of docs/protocol.md in the title of a test', () => {
  const docs = readFileSync(new URL('../docs/protocol.md', import.meta.url), 'utf8')
  const rules = [...docs.matchAll(/^- \*\*([A-Z]\d)\*\*/gm)].map(([, rule]) => rule!)
  const titles = readdirSync(new URL('.', import.meta.url))
    .filter((name) => name.endsWith('.test.ts'))
    .flatMap(
      (name) => readFileSync(new URL(name, import.meta.url), 'utf8').match(/'(?:[A-Z]\d, )*[A-Z]\d: /g) ?? [],
    )
    .join()
  expect(rules.length).toBeGreaterThan(30)
  expect(rules.filter((rule) => !titles.includes(rule))).toEqual([])
})
