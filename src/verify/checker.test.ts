import { describe, expect, it } from 'vitest'
import { startChat } from '../../test/support/chat.ts'
import { MemoryRoomLog } from '../chat/log/memory.ts'
import { type Append, type Appended, encodeMessage } from '../chat/log/room-log.ts'
import { ChatClient } from '../client/node.ts'
import type { RoomMessage } from '../protocol/messages.ts'
import { HistoryChecker, type LoggedMessage, type Violations } from './checker.ts'

type Fault = 'none' | 'drops' | 'doubles' | 'reorders' | 'reuses a number'

const ROOMS = ['red', 'blue']
const ONE_IN = 1000

/** A broker that does one thing wrong once in a thousand appends. */
class FaultyLog extends MemoryRoomLog {
  readonly #fault: Fault
  #appends = 0
  #held: { message: Append; resolve: (appended: Appended) => void } | undefined
  faults = 0

  constructor(fault: Fault) {
    super({ keep: 1e6 })
    this.#fault = fault
  }

  override async append(message: Append): Promise<Appended> {
    const held = this.#held
    if (held && held.message.room === message.room) {
      // Each is acknowledged the other's place.
      this.#held = undefined
      const first = await super.append(message)
      const second = await super.append(held.message)
      held.resolve(first)
      return second
    }
    if (++this.#appends % ONE_IN !== ONE_IN / 2) return super.append(message)
    this.faults++
    switch (this.#fault) {
      case 'none':
        return super.append(message)
      case 'drops': {
        const head = (await this.read(message.room, Number.MAX_SAFE_INTEGER, 0)).head
        return { seq: head + 1, duplicate: false }
      }
      case 'doubles': {
        const appended = await super.append(message)
        await super.append({ ...message, id: `${message.id} again` })
        const copy = (await this.read(message.room, appended.seq, 1)).entries[0] as { payload: Buffer }
        copy.payload = encodeMessage(message, appended.seq + 1, 0)
        return appended
      }
      case 'reorders':
        return new Promise((resolve) => {
          this.#held = { message, resolve }
          setTimeout(() => {
            if (this.#held?.message !== message) return
            this.#held = undefined
            void super.append(message).then(resolve)
          }, 200)
        })
      case 'reuses a number': {
        const { head, entries } = await this.read(message.room, 0, 1e6)
        const last = entries.at(-1) as { payload: Buffer } | undefined
        if (!last) return super.append(message)
        last.payload = encodeMessage(message, head, 0)
        return { seq: head, duplicate: false }
      }
    }
  }

  async messages(): Promise<LoggedMessage[]> {
    const all: LoggedMessage[] = []
    for (const room of ROOMS) {
      for (let at = 0; ; ) {
        const { entries } = await this.read(room, at, 1000)
        if (entries.length === 0) break
        all.push(...entries.map(({ payload }) => JSON.parse(payload.toString()) as RoomMessage))
        at = entries.at(-1)!.seq
      }
    }
    return all
  }
}

/** Users talk over a broker with that fault; what the checker says. */
async function check(fault: Fault): Promise<{ report: Violations; faults: number; findings: string[] }> {
  const log = new FaultyLog(fault)
  const chat = await startChat({ limits: { messagesPerSecond: 1e6, messageBurst: 1e6 } }, 2, log)
  const checker = new HistoryChecker()
  const heads = new Map<string, number>()
  const clients = await Promise.all(
    Array.from({ length: 8 }, async (_, session) => {
      const user = `user ${session}`
      const room = ROOMS[session % ROOMS.length]!
      const client = new ChatClient({ url: chat.urls[session % 2]!, user, ackMs: 1000 })
      checker.record({ type: 'join', session, user, room })
      client.on('resumed', ({ cursor }) => checker.record({ type: 'resumed', session, ...cursor }))
      client.on('message', ({ seq, prevSeq, user: from, id }) =>
        checker.record({ type: 'message', session, seq, prevSeq, user: from, id, at: 0 }),
      )
      client.on('gap', ({ from, to }) => checker.record({ type: 'gap', session, from, to }))
      await client.join(room)
      return { client, session, room }
    }),
  )
  await Promise.all(
    clients.map(async ({ client, session, room }) => {
      for (let n = 1; n <= 500; n++) {
        const id = `${session}-${n}`
        checker.record({ type: 'send', session, id, at: 0 })
        const { seq } = await client.send(room, 'x', id)
        checker.record({ type: 'ack', session, id, seq, at: 0 })
        heads.set(room, Math.max(seq, heads.get(room) ?? 0))
      }
    }),
  )
  for (let i = 0; i < 100; i++) {
    if (clients.every(({ client, room }) => (client.cursor(room)?.seq ?? 0) >= heads.get(room)!)) break
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  checker.record({ type: 'end' })
  for (const { client } of clients) client.close()
  await chat.close()
  const { findings, ...report } = checker.check(await log.messages())
  return { report, findings, faults: log.faults }
}

describe('the history checker, over real servers and clients', () => {
  it('finds nothing when the broker keeps its promise', async () => {
    const { report, findings, faults } = await check('none')
    expect(findings).toEqual([])
    expect(report).toMatchObject({ lost: 0, doubled: 0, reordered: 0, phantom: 0, falseGaps: 0, acked: 4000 })
    expect(faults).toBeGreaterThan(0)
  })

  it.each(['drops', 'doubles', 'reorders', 'reuses a number'] as const)(
    'catches a broker that %s',
    async (fault) => {
      const { report, faults } = await check(fault)
      const { lost, doubled, reordered, phantom } = report
      expect(faults).toBeGreaterThan(0)
      expect(lost + doubled + reordered + phantom).toBeGreaterThanOrEqual(faults)
    },
  )
})

describe('the history checker, event by event', () => {
  const at = 0
  const begin = (checker: HistoryChecker) => {
    checker.record({ type: 'join', session: 1, user: 'ann', room: 'r' })
    checker.record({ type: 'resumed', session: 1, epoch: 'e', seq: 0 })
    for (const [i, id] of ['a', 'b', 'c'].entries()) {
      checker.record({ type: 'send', session: 1, id, at })
      checker.record({ type: 'ack', session: 1, id, seq: i + 1, at })
    }
  }
  const log = ['a', 'b', 'c'].map((id, i) => ({ room: 'r', seq: i + 1, user: 'ann', id }))
  const message = (seq: number, id: string) =>
    ({ type: 'message', session: 1, seq, user: 'ann', id, at }) as const
  const result = (
    events: readonly Parameters<HistoryChecker['record']>[0][],
    entries: readonly LoggedMessage[] = log,
  ) => {
    const checker = new HistoryChecker()
    begin(checker)
    for (const event of events) checker.record(event)
    const { lost, doubled, reordered, phantom, falseGaps } = checker.check(entries)
    return { lost, doubled, reordered, phantom, falseGaps }
  }
  const good = { lost: 0, doubled: 0, reordered: 0, phantom: 0, falseGaps: 0 }
  const end = { type: 'end' } as const

  it.each([
    ['takes what is right', [message(1, 'a'), message(2, 'b'), message(3, 'c'), end], good],
    ['sees a message left out', [message(1, 'a'), message(3, 'c'), end], { ...good, lost: 1 }],
    [
      'sees a message left out where places are not consecutive',
      [message(1, 'a'), { ...message(3, 'c'), prevSeq: 2 }, end],
      { ...good, lost: 1 },
    ],
    ['sees a missing tail', [message(1, 'a'), end], { ...good, lost: 2 }],
    [
      'sees one delivered twice',
      [message(1, 'a'), message(2, 'b'), message(2, 'b'), message(3, 'c')],
      { ...good, doubled: 1 },
    ],
    [
      'sees a false gap',
      [message(1, 'a'), { type: 'gap', session: 1, from: 2, to: 3 }, end] as const,
      { ...good, falseGaps: 2 },
    ],
    ['sees what was never sent', [message(1, 'a'), message(2, 'z')], { ...good, phantom: 1 + 1 }],
  ])('%s', (_, events, expected) => {
    const { phantom, ...rest } = result(events)
    expect({ ...rest, phantom: phantom > 0 }).toEqual({ ...expected, phantom: expected.phantom > 0 })
  })

  it('loses nothing where places that no message ever had are passed over', () => {
    const jumped = log.map((entry) => ({ ...entry, seq: entry.seq === 3 ? 1000 : entry.seq }))
    const events = [message(1, 'a'), message(2, 'b'), { ...message(1000, 'c'), prevSeq: 2 }, end] as const
    const checker = new HistoryChecker()
    checker.record({ type: 'join', session: 1, user: 'ann', room: 'r' })
    checker.record({ type: 'resumed', session: 1, epoch: 'e', seq: 0 })
    for (const [i, id] of ['a', 'b', 'c'].entries()) {
      checker.record({ type: 'send', session: 1, id, at })
      checker.record({ type: 'ack', session: 1, id, seq: jumped[i]!.seq, at })
    }
    for (const event of events) checker.record(event)
    expect(checker.check(jumped).findings).toEqual([])
  })

  it('sees an acknowledged message that the log has not, or elsewhere', () => {
    expect(result([], log.slice(0, 2)).lost).toBe(1)
    expect(result([], [log[0]!, { ...log[1]!, id: 'c' }, { ...log[2]!, id: 'b' }])).toMatchObject({
      lost: 2,
      reordered: 1,
    })
    expect(result([], [...log, { room: 'r', seq: 4, user: 'ann', id: 'a' }]).doubled).toBe(1)
    expect(result([], [...log, { room: 'r', seq: 4, user: 'eve', id: 'x' }]).phantom).toBe(1)
  })
})
