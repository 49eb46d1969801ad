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

    it('1, 2: gives places from 1 without a hole, and reads back what was appended', async () => {
      const appended = await Promise.all(
        Array.from({ length: 500 }, (_, i) => log.append(say(i % 2 ? 'odd' : 'even', `u${i % 7}`, `m${i}`))),
      )
      expect(appended.every(({ duplicate }) => !duplicate)).toBe(true)
      const odd = await readAll(log, 'odd')
      expect(odd.map(({ seq }) => seq)).toEqual(Array.from({ length: 250 }, (_, i) => i + 1))
      expect(odd.every(({ seq, prevSeq, room }) => prevSeq === seq - 1 && room === 'odd')).toBe(true)
      for (const [i, { seq }] of appended.entries()) {
        if (i % 2)
          expect(odd[seq - 1]).toMatchObject({ id: `m${i}`, user: `u${i % 7}`, body: `u${i % 7} m${i}` })
      }
    })

    it('2: keeps any text as it was', async () => {
      const body = 'δ "quoted" \\ \n\u0000 \u{1f600} </script>'
      await log.append(say('a room/ü', 'ann', 'x', body))
      expect((await readAll(log, 'a room/ü'))[0]).toMatchObject({ body, room: 'a room/ü' })
    })

    it('3: acknowledges the same message again at the same place', async () => {
      await log.append(say('r', 'ann', '0'))
      const [a, b] = await Promise.all([
        log.append(say('r', 'ann', '1')),
        log.append(say('r', 'ann', '1', 'other')),
      ])
      expect([a, b]).toEqual([
        { seq: 2, duplicate: false },
        { seq: 2, duplicate: true },
      ])
      expect(await log.append(say('r', 'ann', '0'))).toEqual({ seq: 1, duplicate: true })
      expect(await log.append(say('r', 'bob', '1'))).toEqual({ seq: 3, duplicate: false })
      expect(await log.append(say('s', 'ann', '1'))).toEqual({ seq: 1, duplicate: false })
      expect((await readAll(log, 'r')).map(({ body }) => body)).toEqual(['ann 0', 'ann 1', 'bob 1'])
    })

    it('4: reads after a place, up to a limit, with the range there is', async () => {
      for (let i = 0; i < 5; i++) await log.append(say('r', 'ann', `${i}`))
      const page = await log.read('r', 2, 2)
      expect(page).toMatchObject({ first: 1, head: 5 })
      expect(page.entries.map(({ seq }) => seq)).toEqual([3, 4])
      expect(await log.read('r', 5, 10)).toEqual({ first: 1, head: 5, entries: [] })
      expect(await log.read('nobody', 0, 10)).toEqual({ first: 1, head: 0, entries: [] })
    })

    it('5: tells a subscriber every entry after the head it was given, in order', async () => {
      const told: number[] = []
      let sent = 0
      const sending = (async () => {
        for (; sent < 300; sent++) {
          await log.append(say('r', 'ann', `${sent}`))
          if (sent % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 1))
        }
      })()
      while (sent < 20) await new Promise((resolve) => setTimeout(resolve, 1))
      const { head } = await log.subscribe('r', (room, { seq }) => {
        expect(room).toBe('r')
        told.push(seq)
      })
      await sending
      for (let i = 0; i < 200 && told.at(-1) !== 300; i++)
        await new Promise((resolve) => setTimeout(resolve, 5))
      const after = told.filter((seq) => seq > head)
      expect(after).toEqual(Array.from({ length: 300 - head }, (_, i) => head + 1 + i))
      log.unsubscribe('r')
      await log.append(say('r', 'ann', 'later'))
      await log.append(say('other', 'ann', 'x'))
      expect(told.at(-1)).toBe(300)
    })
  })
}
