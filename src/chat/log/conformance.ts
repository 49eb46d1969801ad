import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RoomMessage } from '../../protocol/messages.ts'
import type { LogEntry, RoomLog } from './room-log.ts'

/** One rule that every room log keeps; `run` rejects with what was wrong. */
export interface RoomLogCheck {
  readonly name: string
  run(): Promise<void>
}

const parse = ({ payload }: LogEntry) => JSON.parse(payload.toString()) as RoomMessage
const draftOf = (room: string, user: string, id: string, body = `${user} ${id}`) => ({
  room,
  user,
  id,
  body,
})

async function readAll(log: RoomLog, room: string, after = 0): Promise<RoomMessage[]> {
  const all: RoomMessage[] = []
  for (let at = after; ; ) {
    const { entries } = await log.read(room, at, 100)
    if (entries.length === 0) return all
    all.push(...entries.map(parse))
    at = entries.at(-1)!.seq
  }
}

async function until(what: string, done: () => boolean): Promise<void> {
  for (const end = Date.now() + 10_000; !done(); await sleep(2)) {
    if (Date.now() > end) throw new Error(`${what}: not within 10 s`)
  }
}

const CHECKS: Readonly<Record<string, (log: RoomLog) => Promise<void>>> = {
  '1, 2: gives rising places, each naming the one before it, and reads back what was appended': async (
    log,
  ) => {
    const appended = await Promise.all(
      Array.from({ length: 500 }, (_, i) =>
        log.append(draftOf(i % 2 ? 'odd' : 'even', `u${i % 7}`, `m${i}`)),
      ),
    )
    assert(
      appended.every(({ duplicate }) => !duplicate),
      'a new message counts as a duplicate',
    )
    const odd = await readAll(log, 'odd')
    assert.equal(odd.length, 250)
    let prevSeq = 0
    for (const message of odd) {
      assert(message.seq > prevSeq, `place ${message.seq} follows ${prevSeq}`)
      assert.equal(message.prevSeq, prevSeq)
      prevSeq = message.seq
    }
    const bySeq = new Map(odd.map((message) => [message.seq, message]))
    for (const [i, { seq }] of appended.entries()) {
      if (i % 2 === 0) continue
      const { id, user, body } = bySeq.get(seq)!
      assert.deepEqual({ id, user, body }, { id: `m${i}`, user: `u${i % 7}`, body: `u${i % 7} m${i}` })
    }
  },

  '2: keeps any text as it was': async (log) => {
    const body = 'δ "quoted" \\ \n\u0000 \u{1f600} \ud800 </script>'
    await log.append(draftOf('a room/ü', 'ann', 'x', body))
    const [message] = await readAll(log, 'a room/ü')
    assert.deepEqual([message!.body, message!.room], [body, 'a room/ü'])
  },

  '2: keeps what a message has beside its body': async (log) => {
    const extras = { data: { reply: 1, '"': ['\u{1f600}'] }, edits: 3 }
    await Promise.all([
      log.append({ ...draftOf('r', 'ann', 'x'), extras }),
      log.append(draftOf('r', 'ann', 'y')),
      log.append({ ...draftOf('r', 'ann', 'z'), extras: { deletes: 3 } }),
    ])
    const messages = await readAll(log, 'r')
    const found = messages.map(({ id, data, edits, deletes }) => ({ id, data, edits, deletes }))
    const none = { data: undefined, edits: undefined, deletes: undefined }
    assert.deepEqual(
      found.sort((a, b) => (a.id < b.id ? -1 : 1)),
      [
        { ...none, id: 'x', ...extras },
        { ...none, id: 'y' },
        { ...none, id: 'z', deletes: 3 },
      ],
    )
  },

  '3: acknowledges the same message again at the same place': async (log) => {
    const zero = await log.append(draftOf('r', 'ann', '0'))
    const both = await Promise.all([
      log.append(draftOf('r', 'ann', '1')),
      log.append(draftOf('r', 'ann', '1', 'other')),
    ])
    const [a, b] = both
    assert(a.seq > zero.seq, 'places do not rise')
    assert.equal(b.seq, a.seq)
    assert.deepEqual(both.map(({ duplicate }) => duplicate).sort(), [false, true])
    assert.deepEqual(await log.append(draftOf('r', 'ann', '0')), { seq: zero.seq, duplicate: true })
    assert.equal((await log.append(draftOf('r', 'bob', '1'))).duplicate, false)
    assert.equal((await log.append(draftOf('s', 'ann', '1'))).duplicate, false)
    const all = await readAll(log, 'r')
    assert.deepEqual(
      all.map(({ user, id }) => `${user} ${id}`),
      ['ann 0', 'ann 1', 'bob 1'],
    )
  },

  '4: reads after a place, up to a limit, with the range there is': async (log) => {
    const places: number[] = []
    for (let i = 0; i < 5; i++) places.push((await log.append(draftOf('r', 'ann', `${i}`))).seq)
    const head = places.at(-1)!
    const page = await log.read('r', places[1]!, 2)
    assert.equal(page.head, head)
    assert(page.first <= places[0]!, `the first place is ${places[0]}, not ${page.first}`)
    assert.deepEqual(
      page.entries.map(({ seq }) => seq),
      places.slice(2, 4),
    )
    for (const after of [head, head + 1_000_000]) {
      const { entries, head: end } = await log.read('r', after, 10)
      assert.deepEqual([end, entries], [head, []])
    }
    assert.deepEqual(await log.read('empty', 0, 10), { first: 1, head: 0, entries: [] })
  },

  '4: reads the newest before a place, also from beyond the end': async (log) => {
    for (let i = 0; i < 5; i++) await log.append(draftOf('r', 'ann', `${i}`))
    const places = (await readAll(log, 'r')).map(({ seq }) => seq)
    const newest = async (place: number, limit: number) =>
      (await log.readBefore('r', place, limit)).entries.map(({ seq }) => seq)
    assert.deepEqual(await newest(places[3]!, 2), places.slice(1, 3))
    assert.deepEqual(await newest(places[4]! + 1_000_000, 3), places.slice(2))
    assert.deepEqual(await newest(places[1]!, 10), places.slice(0, 1))
    assert.deepEqual(await newest(places[0]!, 10), [])
    assert.deepEqual(await log.readBefore('empty', 7, 3), { first: 1, head: 0, entries: [] })
    const { entries } = await log.readBefore('r', Number.MAX_SAFE_INTEGER, 5)
    assert.deepEqual(
      entries.map(({ prevSeq }) => prevSeq),
      [0, ...places.slice(0, 4)],
    )
  },

  '4: pages through messages that are large, forwards and backwards': async (log) => {
    const body = 'x'.repeat(60_000)
    const expected = Array.from({ length: 12 }, (_, i) => `${i}`)
    for (const id of expected) await log.append(draftOf('r', 'ann', id, body))
    assert.deepEqual(
      (await readAll(log, 'r')).map(({ id }) => id),
      expected,
    )
    const ids: string[] = []
    for (let at = Number.MAX_SAFE_INTEGER; ; ) {
      const { entries } = await log.readBefore('r', at, 100)
      if (entries.length === 0) break
      ids.unshift(...entries.map((entry) => parse(entry).id))
      at = entries[0]!.seq
    }
    assert.deepEqual(ids, expected)
  },

  '5: passes a subscriber every entry after the head it was given, in order': async (log) => {
    const received: LogEntry[] = []
    let sent = 0
    const sending = (async () => {
      for (; sent < 300; sent++) {
        await log.append(draftOf('r', 'ann', `${sent}`))
        if (sent % 10 === 0) await sleep(1)
      }
    })()
    while (sent < 20) await sleep(1)
    const { head } = await log.subscribe('r', (room, entry) => {
      // A copy, since a log may use its buffer again.
      received.push({ ...entry, payload: Buffer.from(room === 'r' ? entry.payload : '"another room"') })
    })
    await sending
    const all = await readAll(log, 'r')
    const last = all.at(-1)!.seq
    await until('the last message at the subscriber', () => received.at(-1)?.seq === last)
    const after = received.filter(({ seq }) => seq > head)
    assert.deepEqual(
      after.map(parse),
      all.filter(({ seq }) => seq > head),
    )
    assert.deepEqual(
      after.map(({ seq, prevSeq }) => [seq, prevSeq]),
      after.map(parse).map(({ seq, prevSeq }) => [seq, prevSeq]),
    )
    log.unsubscribe('r')
    await log.append(draftOf('r', 'ann', 'later'))
    await log.append(draftOf('other', 'ann', 'x'))
    await sleep(20)
    assert.equal(received.at(-1)!.seq, last)
  },
}

/**
 * What every room log must do; the numbers are those of the contract of `RoomLog`. Each check opens an empty log of its own, and
 * needs no test framework.
 *
 * @example for (const { name, run } of roomLogChecks(open)) test(name, run)
 */
export function roomLogChecks(open: () => Promise<{ log: RoomLog; close(): Promise<void> }>): RoomLogCheck[] {
  return Object.entries(CHECKS).map(([name, check]) => ({
    name,
    run: async () => {
      const { log, close } = await open()
      try {
        await check(log)
      } finally {
        await close()
      }
    },
  }))
}
