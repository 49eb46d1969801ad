import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { RoomMessage } from '../../protocol/messages.ts'
import type { LogEntry, RoomLog } from './room-log.ts'

const parse = ({ payload }: LogEntry) => JSON.parse(payload.toString()) as RoomMessage
const say = (room: string, user: string, id: string, body = `${user} ${id}`) => ({ room, user, id, body })

async function readAll(log: RoomLog, room: string, after = 0): Promise<RoomMessage[]> {
  const all: RoomMessage[] = []
  for (let at = after; ; ) {
    const { entries } = await log.read(room, at, 100)
    if (entries.length === 0) return all
    all.push(...entries.map(parse))
    at = entries.at(-1)!.seq
  }
}

/** Whether each message names the place of the one before it, in rising order. */
function linked(messages: readonly RoomMessage[]): boolean {
  return messages.every(({ seq, prevSeq }, i) => prevSeq === (messages[i - 1]?.seq ?? 0) && seq > prevSeq)
}

const eventually = async (done: () => boolean) => {
  for (let i = 0; i < 400 && !done(); i++) await new Promise((resolve) => setTimeout(resolve, 5))
}

/** What every room log must do; the numbers are those of the contract in `room-log.ts`. */
export function roomLogContract(
  name: string,
  open: () => Promise<{ log: RoomLog; close(): Promise<void> }>,
): void {
  describe(`room log contract: ${name}`, () => {
    let log: RoomLog
    let close: () => Promise<void>
    beforeEach(async () => {
      ;({ log, close } = await open())
    })
    afterEach(() => close())

    it('1, 2: gives rising places, each naming the one before it, and reads back what was appended', async () => {
      const appended = await Promise.all(
        Array.from({ length: 500 }, (_, i) => log.append(say(i % 2 ? 'odd' : 'even', `u${i % 7}`, `m${i}`))),
      )
      expect(appended.every(({ duplicate }) => !duplicate)).toBe(true)
      const odd = await readAll(log, 'odd')
      expect(odd.length).toBe(250)
      expect(linked(odd)).toBe(true)
      const bySeq = new Map(odd.map((message) => [message.seq, message]))
      for (const [i, { seq }] of appended.entries()) {
        if (i % 2)
          expect(bySeq.get(seq)).toMatchObject({ id: `m${i}`, user: `u${i % 7}`, body: `u${i % 7} m${i}` })
      }
    })

    it('2: keeps any text as it was', async () => {
      const body = 'δ "quoted" \\ \n\u0000 \u{1f600} \ud800 </script>'
      await log.append(say('a room/ü', 'ann', 'x', body))
      expect((await readAll(log, 'a room/ü'))[0]).toMatchObject({ body, room: 'a room/ü' })
    })

    it('3: acknowledges the same message again at the same place', async () => {
      const zero = await log.append(say('r', 'ann', '0'))
      const [a, b] = await Promise.all([
        log.append(say('r', 'ann', '1')),
        log.append(say('r', 'ann', '1', 'other')),
      ])
      expect(a.seq).toBeGreaterThan(zero.seq)
      expect(b.seq).toBe(a.seq)
      expect([a.duplicate, b.duplicate].sort()).toEqual([false, true])
      expect(await log.append(say('r', 'ann', '0'))).toEqual({ seq: zero.seq, duplicate: true })
      expect(await log.append(say('r', 'bob', '1'))).toMatchObject({ duplicate: false })
      expect(await log.append(say('s', 'ann', '1'))).toMatchObject({ duplicate: false })
      const all = await readAll(log, 'r')
      expect(all.map(({ user, id }) => `${user} ${id}`)).toEqual(['ann 0', 'ann 1', 'bob 1'])
    })

    it('4: reads after a place, up to a limit, with the range there is', async () => {
      const places: number[] = []
      for (let i = 0; i < 5; i++) places.push((await log.append(say('r', 'ann', `${i}`))).seq)
      const head = places.at(-1)!
      const page = await log.read('r', places[1]!, 2)
      expect(page.head).toBe(head)
      expect(page.first).toBeLessThanOrEqual(places[0]!)
      expect(page.entries.map(({ seq }) => seq)).toEqual(places.slice(2, 4))
      expect(await log.read('r', head, 10)).toMatchObject({ head, entries: [] })
      expect(await log.read('r', head + 1_000_000, 10)).toMatchObject({ head, entries: [] })
      expect(await log.read('empty', 0, 10)).toEqual({ first: 1, head: 0, entries: [] })
    })

    it('4: reads the newest before a place, also from beyond the end', async () => {
      for (let i = 0; i < 5; i++) await log.append(say('r', 'ann', `${i}`))
      const places = (await readAll(log, 'r')).map(({ seq }) => seq)
      const newest = async (place: number, limit: number) =>
        (await log.readBefore('r', place, limit)).entries.map(({ seq }) => seq)
      expect(await newest(places[3]!, 2)).toEqual(places.slice(1, 3))
      expect(await newest(places[4]! + 1_000_000, 3)).toEqual(places.slice(2))
      expect(await newest(places[1]!, 10)).toEqual(places.slice(0, 1))
      expect(await newest(places[0]!, 10)).toEqual([])
      expect(await log.readBefore('empty', 7, 3)).toEqual({ first: 1, head: 0, entries: [] })
      const { entries } = await log.readBefore('r', Number.MAX_SAFE_INTEGER, 5)
      expect(entries.map(({ prevSeq }) => prevSeq)).toEqual([0, ...places.slice(0, 4)])
    })

    it('4: pages through messages that are large, forwards and backwards', async () => {
      const body = 'x'.repeat(60_000)
      for (let i = 0; i < 12; i++) await log.append(say('r', 'ann', `${i}`, body))
      expect((await readAll(log, 'r')).map(({ id }) => id)).toEqual(
        Array.from({ length: 12 }, (_, i) => `${i}`),
      )
      const ids: string[] = []
      for (let at = Number.MAX_SAFE_INTEGER; ; ) {
        const { entries } = await log.readBefore('r', at, 100)
        if (entries.length === 0) break
        ids.unshift(...entries.map((entry) => parse(entry).id))
        at = entries[0]!.seq
      }
      expect(ids).toEqual(Array.from({ length: 12 }, (_, i) => `${i}`))
    })

    it('5: passes a subscriber every entry after the head it was given, in order', async () => {
      const received: LogEntry[] = []
      let sent = 0
      const sending = (async () => {
        for (; sent < 300; sent++) {
          await log.append(say('r', 'ann', `${sent}`))
          if (sent % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 1))
        }
      })()
      while (sent < 20) await new Promise((resolve) => setTimeout(resolve, 1))
      const { head } = await log.subscribe('r', (room, entry) => {
        expect(room).toBe('r')
        received.push({ ...entry, payload: Buffer.from(entry.payload) })
      })
      await sending
      const all = await readAll(log, 'r')
      const last = all.at(-1)!.seq
      await eventually(() => received.at(-1)?.seq === last)
      const after = received.filter(({ seq }) => seq > head)
      expect(after.map(parse)).toEqual(all.filter(({ seq }) => seq > head))
      expect(after.map(({ seq, prevSeq }) => [seq, prevSeq])).toEqual(
        after.map(parse).map(({ seq, prevSeq }) => [seq, prevSeq]),
      )
      log.unsubscribe('r')
      await log.append(say('r', 'ann', 'later'))
      await log.append(say('other', 'ann', 'x'))
      await new Promise((resolve) => setTimeout(resolve, 20))
      expect(received.at(-1)!.seq).toBe(last)
    })
  })
}
