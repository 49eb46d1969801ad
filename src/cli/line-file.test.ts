import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { LineFile } from './line-file.ts'

let folder: string
let file: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lines-'))
  file = join(folder, 'lines.jsonl')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const long = 'x'.repeat(200_000)
it.each([
  ['nothing', '', ''],
  ['whole lines', '1\n2\n', '1\n2\n'],
  ['a line that broke off', '1\n{"tim', '1\n'],
  ['nothing but such a line', '{"tim', ''],
  ['a very long one that broke off', `1\n${long}`, '1\n'],
  ['a very long whole one', `${long}\n`, `${long}\n`],
])('goes on after %s', (_, before, kept) => {
  writeFileSync(file, before)
  const lines = new LineFile<number>('--decisions', file, true)
  lines.take(3)
  lines.close()
  expect(readFileSync(file, 'utf8')).toBe(`${kept}3\n`)
})

it('begins anew unless told to go on', () => {
  writeFileSync(file, '1\n')
  new LineFile<number>('--history', file).close()
  expect(readFileSync(file, 'utf8')).toBe('')
})
