import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { RoomMessage } from '../../../protocol/messages.ts'
import { type LogEntry, LogOverloaded } from '../room-log.ts'
import { type EmbeddedLogOptions, EmbeddedRoomLog } from './embedded.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'room-log-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** Whether this process may mount a disk of its own. */
function canMount(): boolean {
  const probe = mkdtempSync(join(tmpdir(), 'mount-'))
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', probe])
  if (status === 0) spawnSync('umount', [probe])
  rmSync(probe, { recursive: true, force: true })
  return status === 0
}

const open = (options?: EmbeddedLogOptions) => EmbeddedRoomLog.open(folder, options)
const append = (log: EmbeddedRoomLog, i: number, room = 'r') =>
  log.append({ room, user: 'ann', id: `${i}`, body: `message ${i}` })

async function entriesOf(log: EmbeddedRoomLog, room = 'r', after = 0): Promise<LogEntry[]> {
  const all: LogEntry[] = []
  for (let at = after; ; ) {
    const { entries } = await log.read(room, at, 1000)
    if (entries.length === 0) return all
    all.push(...entries)
    at = entries.at(-1)!.seq
  }
}

async function bodies(log: EmbeddedRoomLog, room = 'r', after = 0): Promise<string[]> {
  return (await entriesOf(log, room, after)).map(
    ({ payload }) => (JSON.parse(payload.toString()) as RoomMessage).body,
  )
}

describe('the embedded room log', () => {
  it('gathers what comes in turns that follow each other, and keeps its order', async () => {
    const log = open()
    const appends: Promise<unknown>[] = []
    for (let i = 1; i <= 2000; i++) {
      appends.push(append(log, i))
      await new Promise(setImmediate)
    }
    expect(await Promise.all(appends)).toEqual(appends.map((_, i) => ({ seq: i + 1, duplicate: false })))
    const writes = log.commits.counts.reduce((sum, count) => sum + count, 0)
    expect(writes).toBeLessThan(1500)
    await log.close()
  })

  it('has everything after a restart, and continues at the next place', async () => {
    let log = open({ segmentBytes: 4096 })
    const { epoch } = log
    for (let i = 1; i <= 200; i++) await append(log, i)
    await log.close()
    log = open({ segmentBytes: 4096 })
    expect(log.epoch).toBe(epoch)
    expect(log.damage).toEqual([])
    expect((await bodies(log)).length).toBe(200)
    expect(await append(log, 77)).toEqual({ seq: 77, duplicate: true })
    expect(await append(log, 201)).toEqual({ seq: 201, duplicate: false })
    await log.close()
  })

  it('trims the oldest segments, and never uses a place again, also of a room that is forgotten', async () => {
    let log = open({ segmentBytes: 4096, retainBytes: 16_384 })
    const quiet = await append(log, 1, 'quiet')
    for (let i = 1; i <= 500; i++) await append(log, i)
    expect(log.bytes).toBeLessThan(16_384 + 2 * 4096)
    const { first, head } = await log.read('r', 0, 1000)
    expect(head).toBe(500)
    expect(first).toBeGreaterThan(300)
    expect((await entriesOf(log)).map(({ seq }) => seq)).toEqual(
      Array.from({ length: 501 - first }, (_, i) => first + i),
    )
    await log.close()
    log = open({ segmentBytes: 4096, retainBytes: 16_384 })
    const page = await log.read('quiet', 0, 10)
    expect([page.entries, page.first]).toEqual([[], page.head + 1])
    expect(page.head).toBeGreaterThanOrEqual(quiet.seq)
    expect((await append(log, 2, 'quiet')).seq).toBeGreaterThan(page.head)
    expect((await append(log, 501)).seq).toBe(501)
    await log.close()
  })

  it('keeps nothing of rooms that were used once but their messages', async () => {
    const name = (i: number) => `${'ü'.repeat(118)}${String(i).padStart(10, '0')}`
    let log = open({ segmentBytes: 65_536, retainBytes: 8 * 2 ** 20, retainRooms: 5000 })
    await append(log, 0, 'kept')
    for (let i = 0; i < 20_000; i += 1000) {
      await Promise.all(Array.from({ length: 1000 }, (_, k) => append(log, 1, name(i + k))))
    }
    const before = log.bytes
    for (let i = 0; i < 12; i++) await append(log, i, 'one')
    expect(log.bytes - before).toBeLessThan(10_000)
    for (const file of readdirSync(folder)) expect(statSync(join(folder, file)).size).toBeLessThan(1_000_000)
    expect((await bodies(log, name(19_999))).length).toBe(1)
    expect((await bodies(log, name(0))).length).toBe(0) // beyond the bound
    await log.close()
    log = open()
    expect((await bodies(log, name(19_999))).length).toBe(1)
    await log.close()
  })

  it('starts from the indexes of sealed segments, and without them', async () => {
    let log = open({ segmentBytes: 4096 })
    for (let i = 1; i <= 200; i++) await append(log, i)
    await log.close()
    const indexes = readdirSync(folder).filter((name) => name.endsWith('.idx'))
    expect(indexes.length).toBeGreaterThan(3)
    writeFileSync(join(folder, indexes[0]!), 'no index')
    rmSync(join(folder, indexes[1]!))
    log = open({ segmentBytes: 4096 })
    expect(log.damage).toEqual([])
    expect((await bodies(log)).length).toBe(200)
    expect(await append(log, 5)).toEqual({ seq: 5, duplicate: true })
    await log.close()
  })

  it('rejects as overloaded when the disk is behind, and bounds what waits', async () => {
    const log = open({ queueLimit: 100 })
    const results = await Promise.allSettled(Array.from({ length: 1000 }, (_, i) => append(log, i)))
    const rejected = results.flatMap((each) => (each.status === 'rejected' ? [each.reason] : []))
    expect(rejected.length).toBe(900)
    expect(rejected.every((error) => error instanceof LogOverloaded && error.retryMs > 0)).toBe(true)
    expect((await bodies(log)).length).toBe(100)
    await log.close()
  })

  it('has every acknowledged message after kill -9 in the middle of writing', async () => {
    const script = fileURLToPath(new URL('../../../../test/append-until-killed.ts', import.meta.url))
    for (let round = 0; round < 3; round++) {
      const child = spawn(
        process.execPath,
        ['--import', import.meta.resolve('tsx'), script, folder, `${round}`],
        {
          stdio: ['ignore', 'pipe', 'inherit'],
        },
      )
      let acked = ''
      child.stdout.on('data', (chunk) => {
        acked += chunk
        if (acked.length > 4000) child.kill('SIGKILL')
      })
      await once(child, 'close')
      const lines = acked.split('\n').slice(0, -1)
      expect(lines.length).toBeGreaterThan(100)
      const log = open({ segmentBytes: 4096 })
      const entries = await entriesOf(log)
      const bySeq = new Map(
        entries.map(({ seq, payload }) => [seq, (JSON.parse(payload.toString()) as RoomMessage).id]),
      )
      for (const line of lines) {
        const [id, seq] = line.split(' ')
        expect(bySeq.get(Number(seq))).toBe(id)
      }
      expect(new Set(bySeq.values()).size).toBe(bySeq.size)
      await log.close()
    }
  })

  it('rejects what the disk does not take, without a hole, and serves reads', async () => {
    const script = fileURLToPath(new URL('../../../../test/append-until-rejected.ts', import.meta.url))
    const run = `ulimit -f 512; exec "$0" --import "$1" "$2" "$3"` // no file may be larger than that many KiB
    const args = ['-c', run, process.execPath, import.meta.resolve('tsx'), script, folder]
    const { stdout } = spawnSync('bash', args, { encoding: 'utf8' })
    const { kept, error, read, again } = JSON.parse(stdout)
    expect(error).toMatch(/^LogUnavailable: the disk failed \(EFBIG\)/)
    expect(kept).toBeGreaterThan(20)
    expect([read, again]).toEqual([kept, { seq: 1, duplicate: true }])
    const log = open()
    expect([(await log.read('r', 0, 1000)).head, log.damage]).toEqual([kept, []])
    expect(await append(log, 1000)).toEqual({ seq: kept + 1, duplicate: false })
    await log.close()
  })

  // Where a small disk can be mounted (root, on Linux): rejected while it is full, and taken again when there is room.
  if (canMount())
    it('continues when a full disk has room again', async () => {
      const mount = join(folder, 'small')
      mkdirSync(mount)
      spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', mount])
      try {
        const log = EmbeddedRoomLog.open(join(mount, 'log'))
        const troubles: (string | undefined)[] = []
        log.troubles.subscribe((why) => troubles.push(why))
        writeFileSync(join(mount, 'ballast'), Buffer.alloc(30_000))
        const send = (id: number) =>
          log.append({ room: 'r', user: 'ann', id: `${id}`, body: 'x'.repeat(1000) })
        let full: unknown
        let kept = 0
        for (let i = 1; i < 100 && !full; i++) {
          try {
            await send(i)
            kept++
          } catch (error) {
            full = error
          }
        }
        expect(String(full)).toBe('LogUnavailable: the disk is full')
        expect(kept).toBeGreaterThan(5)
        expect((await log.read('r', 0, 1000)).entries.length).toBe(kept)
        expect(await send(1)).toEqual({ seq: 1, duplicate: true })
        rmSync(join(mount, 'ballast'))
        expect(await send(1000)).toEqual({ seq: kept + 1, duplicate: false })
        expect(troubles).toEqual(['the disk is full', undefined])
        await log.close()
        const again = EmbeddedRoomLog.open(join(mount, 'log'))
        expect((await again.read('r', 0, 1000)).entries.length).toBe(kept + 1)
        await again.close()
      } finally {
        spawnSync('umount', [mount])
      }
    })
})
