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
])('continues after %s', (_, before, kept) => {
  writeFileSync(file, before)
  const lines = new LineFile<number>('--decisions', file, { append: true })
  lines.take(3)
  lines.close()
  expect(readFileSync(file, 'utf8')).toBe(`${kept}3\n`)
})

it('puts a full file aside, and begins the next with its head', () => {
  const lines = new LineFile<string>('--decisions', file, { maxBytes: 100_000, head: () => 'head' })
  for (let i = 0; i < 7; i++) lines.take(`${i}`.repeat(70_000))
  lines.close()
  const of = (path: string) => readFileSync(path, 'utf8').trim().split('\n')
  const first = (line: string) => (JSON.parse(line) as string).slice(0, 4)
  expect(of(`${file}.1`).map(first)).toEqual(['head', '4444', '5555'])
  expect(of(file).map(first)).toEqual(['head', '6666'])
})

it('begins with an empty file by default', () => {
  writeFileSync(file, '1\n')
  new LineFile<number>('--history', file).close()
  expect(readFileSync(file, 'utf8')).toBe('')
})
