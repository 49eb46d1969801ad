import { expect } from 'vitest'
import { LogUnavailable, type RoomLog } from '../../src/chat/log/room-log.ts'
import type { RoomMessage } from '../../src/protocol/messages.ts'

interface OpenedLog {
  readonly log: RoomLog
  close(): Promise<void>
}

const SENDERS = 64
const ROOMS = 20

/**
 * Two processes' worth of writers on the same rooms, with repeated sends, while the broker is disturbed: then every acknowledged
 * message is there once, at its place, and the subscriber received all of them in order.
 */
export async function keepsMessagesThrough(
  open: () => Promise<OpenedLog>,
  disturb: () => Promise<void>,
): Promise<void> {
  const [one, two, reader] = await Promise.all([open(), open(), open()])
  const writers = [one, two]
  const rooms = Array.from({ length: ROOMS }, (_, i) => `room ${i}`)
  const received = new Map<string, number[]>(rooms.map((room) => [room, []]))
  for (const room of rooms) await reader.log.subscribe(room, (name, { seq }) => received.get(name)!.push(seq))
  const acked = new Map<string, number>()
  let count = 0
  let done = false
  const send = async (sender: number) => {
    while (!done) {
      const id = `${++count}`
      const message = { room: rooms[(count >> 1) % ROOMS]!, user: `u${sender}`, id, body: `text ${id}` }
      try {
        const { seq } = await writers[count % 2]!.log.append(message)
        acked.set(`${message.user} ${id}`, seq)
        if (acked.size % 20 !== 0) continue
        const again = await writers[acked.size % 2]!.log.append(message)
        expect(again.seq).toBe(seq)
      } catch (error) {
        expect(error).toBeInstanceOf(LogUnavailable)
      }
    }
  }
  const senders = Array.from({ length: SENDERS }, (_, i) => send(i))
  await expect.poll(() => acked.size, { timeout: 20_000 }).toBeGreaterThan(100)
  await disturb()
  const before = acked.size
  await expect.poll(() => acked.size, { timeout: 30_000 }).toBeGreaterThan(before + 100)
  done = true
  await Promise.all(senders)
  const stored = new Map<string, number>()
  for (const room of rooms) {
    const places: number[] = []
    for (let at = 0; ; at = places.at(-1)!) {
      // Not through the reader, which may not have heard of the last ones yet.
      const { entries } = await one.log.read(room, at, 1000)
      if (entries.length === 0) break
      for (const { seq, prevSeq, payload } of entries) {
        const { user, id } = JSON.parse(payload.toString()) as RoomMessage
        expect(prevSeq).toBe(places.at(-1) ?? 0)
        expect(seq).toBeGreaterThan(prevSeq)
        expect(stored.has(`${user} ${id}`)).toBe(false)
        stored.set(`${user} ${id}`, seq)
        places.push(seq)
      }
    }
    await expect.poll(() => received.get(room)!.length, { timeout: 40_000 }).toBe(places.length)
    expect(received.get(room)).toEqual(places)
  }
  for (const [key, seq] of acked) expect(stored.get(key)).toBe(seq)
  for (const { close } of [...writers, reader]) await close()
}
