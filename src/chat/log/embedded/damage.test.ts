import { execFileSync } from 'node:child_process'
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { RoomMessage } from '../../../protocol/messages.ts'
import { EmbeddedRoomLog } from './embedded.ts'
import { encodeMeta } from './meta.ts'
import { describeDamage } from './recovery.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'damage-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const open = (options = {}) => EmbeddedRoomLog.open(folder, options)
const append = (log: EmbeddedRoomLog, room: string, id: string) =>
  log.append({ room, user: 'ann', id, body: `body of ${id}` })
const files = (kind: string) =>
  readdirSync(folder)
    .filter((name) => name.endsWith(kind))
    .sort()
    .map((name) => join(folder, name))
const lastLog = () => files('.log').at(-1)!

const flip = (data: Buffer, at: number) => {
  data[at] = data[at]! ^ 1
}

function change(file: string, edit: (data: Buffer) => unknown): void {
  const data = readFileSync(file)
  const edited = edit(data)
  writeFileSync(file, Buffer.isBuffer(edited) ? edited : data)
}

async function all(log: EmbeddedRoomLog, room: string, after = 0) {
  const { entries } = await log.read(room, after, 1000)
  return entries.map((entry) => ({ ...entry, id: (JSON.parse(entry.payload.toString()) as RoomMessage).id }))
}

/** Five messages in A, then five in B; every place given. */
async function fill(options = {}) {
  const log = open(options)
  const given = new Map<string, number>()
  for (const room of ['A', 'B'])
    for (let i = 1; i <= 5; i++) given.set(`${room}${i}`, (await append(log, room, `${room}${i}`)).seq)
  const { epoch } = log
  await log.close()
  const places = { A: new Set<number>(), B: new Set<number>(), 'never used': new Set<number>() }
  for (const [name, seq] of given) places[name[0] as 'A' | 'B'].add(seq)
  return { epoch, given, places }
}

const DAMAGE: Record<string, () => void> = {
  'a bit flipped in the last record': () => change(lastLog(), (data) => flip(data, data.length - 5)),
  "a bit flipped in a room's last record, others following": () =>
    change(lastLog(), (data) => flip(data, data.indexOf('body of A5') + 9)),
  'a bit flipped in the length of the last record': () =>
    change(lastLog(), (data) => flip(data, data.lastIndexOf('CLRG') + 6)),
  'a tail lost at a record boundary': () =>
    truncateSync(lastLog(), readFileSync(lastLog()).lastIndexOf('CLRG')),
  'a tail lost within a record': () => truncateSync(lastLog(), statSync(lastLog()).size - 3),
  'every byte garbled': () => change(lastLog(), (data) => Buffer.from(data.map((byte) => byte ^ 0x55))),
  'the segment emptied': () => truncateSync(lastLog(), 0),
  'the segment missing': () => rmSync(lastLog()),
}

describe('damage to the log', () => {
  for (const [name, damage] of Object.entries(DAMAGE)) {
    it(`gives no place twice, and announces a gap: ${name}`, async () => {
      const { epoch, places } = await fill()
      damage()
      const sizes = files('.log').map((file) => statSync(file).size)
      for (let start = 0; start < 2; start++) {
        const log = open()
        expect(log.epoch).toBe(epoch)
        if (start === 0) expect(log.damage.map(describeDamage).join()).toMatch(/LOST|lost|MISSING/)
        else expect(log.damage).toEqual([])
        for (const room of ['A', 'B', 'never used'] as const) {
          const seqs = places[room]
          // A member that had seen everything: it must get the new message, and know that it may have missed some.
          const { head } = await log.read(room, 5, 1000)
          if (start === 0) expect(head).toBeGreaterThan(1_000_000)
          const { seq } = await append(log, room, `new ${start}`)
          expect(seqs.has(seq)).toBe(false)
          expect(seq).toBeGreaterThan(head)
          seqs.add(seq)
          const news = await all(log, room, 5)
          expect(news.at(-1)).toMatchObject({ id: `new ${start}`, seq })
          expect(news[0]!.prevSeq).toBeGreaterThan(5)
        }
        await log.close()
        // What was there is kept as it was, so that it can be repaired.
        expect(
          files('.log')
            .slice(0, sizes.length)
            .map((file) => statSync(file).size),
        ).toEqual(name === 'the segment missing' ? expect.anything() : sizes)
      }
    })
  }

  it('announces nothing after a crash that lost nothing, but uses other places', async () => {
    const { given } = await fill()
    // As kill -9 leaves it: no word of a clean stop.
    change(join(folder, 'meta.json'), (data) =>
      Buffer.from(encodeMeta({ ...JSON.parse(data.toString()), check: undefined, clean: undefined })),
    )
    const log = open()
    expect(log.damage).toEqual([])
    expect((await log.read('A', 5, 10)).head).toBe(given.get('A5'))
    const { seq } = await append(log, 'A', 'new')
    expect(seq).toBeGreaterThan(1_000_000)
    expect((await all(log, 'A', 5)).map(({ prevSeq }) => prevSeq)).toEqual([5])
    await log.close()
  })

  it('continues at the next place after a clean stop', async () => {
    const { epoch } = await fill()
    const log = open()
    expect([log.epoch, log.damage]).toEqual([epoch, []])
    expect((await append(log, 'A', 'new')).seq).toBe(6)
    await log.close()
  })

  it.each(['lock', '0000000001.idx'])('names what is in the way of %s', async (name) => {
    await fill()
    const file = join(folder, name)
    rmSync(file, { force: true })
    mkdirSync(file)
    expect(() => open()).toThrow(`${file}: it is not a file`)
    rmSync(file, { recursive: true })
    execFileSync('sh', ['-c', 'mkfifo "$0"', file])
    expect(() => open()).toThrow(`${file}: it is not a file`)
  })

  it('loses nothing by any other digit in meta.json, and gives no place again', async () => {
    const { epoch } = await fill({ segmentBytes: 4096 })
    const log = open()
    await append(log, 'A', 'begins another segment')
    await log.close()
    const meta = join(folder, 'meta.json')
    const sound = readFileSync(meta, 'utf8')
    for (const key of ['term', 'first', 'last', 'floor', 'size']) {
      writeFileSync(meta, sound.replace(new RegExp(`("${key}":)\\d+`), '$17'))
      const log = open()
      expect(log.epoch, key).not.toBe(epoch)
      expect((await all(log, 'A')).length, key).toBe(6)
      await log.close()
    }
  })

  it.each(['.log', '.idx'])('takes no segment for another: %s files copied', async (kind) => {
    for (let run = 0; run < 3; run++) {
      const log = open()
      for (let i = 0; i < 5; i++) await append(log, 'A', `${run} ${i}`)
      await log.close()
    }
    const [first, second] = files(kind) as [string, string]
    copyFileSync(first, second)
    let log = open()
    const described = log.damage.map(describeDamage)
    log.damageFound.subscribe((damage) => described.push(describeDamage(damage)))
    const left = await all(log, 'A')
    expect(left.map(({ seq, id }) => `${seq} ${id}`)).toEqual(
      [0, 1, 2]
        .filter((run) => kind === '.idx' || run !== 1)
        .flatMap((run) => [0, 1, 2, 3, 4].map((i) => `${5 * run + i + 1} ${run} ${i}`)),
    )
    expect(described.length > 0).toBe(kind === '.log')
    await log.close()
    rmSync(files('.idx')[1]!)
    log = open()
    expect(log.damage.map(describeDamage).join()).toMatch(kind === '.log' ? /LOST/ : /^$/)
    await log.close()
  })

  it.each(['.log', '.json'])('names what is not a file in place of one: %s', async (kind) => {
    await fill()
    const file = files(kind)[0]!
    rmSync(file)
    mkdirSync(file)
    expect(() => open()).toThrow(`${file}: it is not a file`)
    rmSync(file, { recursive: true })
    execFileSync('sh', ['-c', 'mkfifo "$0"', file])
    expect(() => open()).toThrow(`${file}: it is not a file`)
    rmSync(file)
    symlinkSync(join(folder, 'nowhere'), file)
    if (kind === '.log') expect(() => open()).toThrow(`${file}: cannot be used (ENOENT)`)
  })

  for (const [name, content] of Object.entries({
    empty: '',
    truncated: '{"version":2,"epo',
    'no object': '[]',
    missing: undefined,
  })) {
    it(`begins a new epoch when meta.json is ${name}, and reads what there is`, async () => {
      const { epoch } = await fill()
      const meta = join(folder, 'meta.json')
      if (content === undefined) rmSync(meta)
      else writeFileSync(meta, content)
      let log = open()
      expect(log.epoch).not.toBe(epoch)
      expect(log.damage.map(describeDamage).join()).toMatch(
        /meta\.json cannot be read: rooms continue under a new epoch/,
      )
      expect((await all(log, 'A')).length).toBe(5)
      expect((await append(log, 'A', 'new')).seq).toBeGreaterThan(5)
      const second = log.epoch
      await log.close()
      log = open()
      expect([log.epoch, log.damage]).toEqual([second, []])
      await log.close()
    })
  }

  it('reports a record that is damaged when it is read, leaves a gap, and appends a lost message again', async () => {
    await fill({ segmentBytes: 4096 })
    let log = open()
    await append(log, 'A', 'seals the segment before')
    await log.close()
    change(files('.log')[0]!, (data) => flip(data, data.indexOf('body of B3') + 9))
    log = open()
    const found: string[] = []
    log.damageFound.subscribe((damage) => found.push(describeDamage(damage)))
    const left = await all(log, 'B')
    expect(left.map(({ seq, prevSeq }) => [seq, prevSeq])).toEqual([
      [1, 0],
      [2, 1],
      [4, 3],
      [5, 4],
    ])
    await all(log, 'B')
    expect(found.length).toBe(1)
    expect((await log.readBefore('B', 100, 10)).entries.length).toBe(4)
    expect(await append(log, 'B', 'B3')).toEqual({ seq: 6, duplicate: false })
    expect(await append(log, 'B', 'B4')).toEqual({ seq: 4, duplicate: true })
    await log.close()
  })

  it('rejects what it cannot promise when its folder is removed or renamed while it runs', async () => {
    for (const how of ['removed', 'renamed', 'emptied']) {
      const log = open()
      await append(log, 'A', '1')
      if (how === 'removed') rmSync(folder, { recursive: true })
      else if (how === 'renamed') renameSync(folder, `${folder}-other`)
      else for (const file of files('.log')) rmSync(file)
      await expect(append(log, 'A', '2')).rejects.toThrow(/removed/)
      await expect(append(log, 'A', '2')).rejects.toThrow(/removed/)
      await log.close()
      rmSync(`${folder}-other`, { recursive: true, force: true })
      rmSync(folder, { recursive: true, force: true })
    }
  })
})
