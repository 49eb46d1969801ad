import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { seededRng } from '../src/base/rng.ts'
import { HistoryChecker, type LoggedMessage } from '../src/verify/checker.ts'
import { startChat } from './support/chat.ts'
import { DocsClient } from './support/docs-client.ts'

/** The promise of a room, checked with a client that knows nothing but `docs/protocol.md`, while its connections break. */
it('R1, R2, S2, S5, M1, M4: keeps the promise towards a client written from the docs alone', async () => {
  const chat = await startChat(
    { limits: { messagesPerSecond: 1e6, messageBurst: 1e6, outboxBytes: 32_768 } },
    3,
  )
  const checker = new HistoryChecker()
  const rng = seededRng('docs client')
  let head = 0
  const clients = Array.from({ length: 12 }, (_, session) => {
    const user = `user ${session}`
    checker.record({ type: 'join', session, user, room: 'r' })
    return new DocsClient(chat.urls, user, 'r', {
      onPlace: (cursor) => checker.record({ type: 'resumed', session, ...cursor }),
      onMessage: ({ seq, prevSeq, user: from, id }) =>
        checker.record({ type: 'message', session, seq, prevSeq, user: from, id, at: 0 }),
      onGap: (from, to) => checker.record({ type: 'gap', session, from, to }),
      onAck: (id, seq) => {
        head = Math.max(head, seq)
        checker.record({ type: 'ack', session, id, seq, at: 0 })
      },
    })
  })
  for (let round = 0; round < 60; round++) {
    for (const [session, client] of clients.entries()) {
      const id = `${session}-${round}`
      checker.record({ type: 'send', session, id, at: 0 })
      client.send(id, `body ${id}`)
      if (rng.next() < 0.08) client.cut()
    }
    if (round === 30) chat.servers[0]!.rebalance(2, { to: 2 }, 0.1)
    await sleep(30)
  }
  const patience = { timeout: 60_000 }
  await expect.poll(() => clients.reduce((sum, { waiting }) => sum + waiting, 0), patience).toBe(0)
  await expect.poll(() => clients.every(({ place }) => place === head), patience).toBe(true)
  checker.record({ type: 'end' })
  expect(clients.flatMap(({ rejected }) => rejected)).toEqual([])
  expect(clients.reduce((sum, { connections }) => sum + connections, 0)).toBeGreaterThan(30)
  for (const client of clients) client.close()
  const { entries } = await chat.log.read('r', 0, 10_000)
  const logged = entries.map(({ payload }) => JSON.parse(payload.toString()) as LoggedMessage)
  await chat.close()
  const { findings, ...report } = checker.check(logged)
  expect(findings).toEqual([])
  expect(report).toMatchObject({ lost: 0, doubled: 0, reordered: 0, phantom: 0, falseGaps: 0, acked: 720 })
}, 150_000)
