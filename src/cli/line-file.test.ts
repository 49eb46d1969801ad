import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
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
  lines.write(3)
  lines.close()
  expect(readFileSync(file, 'utf8')).toBe(`${kept}3\n`)
})

it('puts a full file aside, and begins the next with its head', () => {
  const lines = new LineFile<string>('--decisions', file, { maxBytes: 100_000, head: () => 'head' })
  for (let i = 0; i < 7; i++) lines.write(`${i}`.repeat(70_000))
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

it('continues when a full disk has room again, with whole lines and none lost', async ({ skip }) => {
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder])
  if (status !== 0) skip('a small disk can be mounted by root, on Linux')
  const said = vi.spyOn(console, 'error').mockImplementation(() => {})
  try {
    const ballast = join(folder, 'ballast')
    const lines = new LineFile<string>('--decisions', file, { append: true })
    writeFileSync(ballast, Buffer.alloc(56 * 1024))
    const written = Array.from({ length: 5 }, (_, i) => `${i}`.repeat(7000))
    for (const line of written) lines.write(line)
    await expect.poll(() => said.mock.calls.length, { timeout: 5000 }).toBe(1)
    lines.write('then')
    rmSync(ballast)
    await expect.poll(() => said.mock.calls.length, { timeout: 5000 }).toBe(2)
    lines.write('after')
    lines.close()
    const all = readFileSync(file, 'utf8').trim().split('\n')
    expect(all.map((line) => JSON.parse(line))).toEqual([...written, 'then', 'after'])
    expect(said.mock.calls.map(([text]) => text)).toEqual([
      `concertina: --decisions ${file}: cannot be written (ENOSPC); continuing without it`,
      `concertina: --decisions ${file}: is written again`,
    ])
  } finally {
    said.mockRestore()
    spawnSync('umount', [folder])
  }
})
