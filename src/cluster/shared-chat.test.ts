import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { expect, it } from 'vitest'
import { silentLogger } from '../base/logger.ts'
import { outboxOf } from '../chat/hooks/webhooks.ts'
import { MemoryRoomLog } from '../chat/log/memory.ts'
import { LogUnavailable } from '../chat/log/room-log.ts'
import { listen } from '../http/listen.ts'
import type { Broker } from './broker.ts'
import { openSharedChat } from './shared-chat.ts'

it('delivers webhooks although the room log could not be read when the term began', async () => {
  const bodies: string[] = []
  const receiver = createServer(async (request, response) => {
    bodies.push(await text(request))
    response.end()
  })
  const port = await listen(receiver, '127.0.0.1', 0)
  const log = new MemoryRoomLog()
  const readBefore = log.readBefore.bind(log)
  let failures = 3
  log.readBefore = (...call) =>
    failures-- > 0 ? Promise.reject(new LogUnavailable('no leader')) : readBefore(...call)
  const bus = { connected: true, publish() {}, subscribe: () => () => {} }
  const broker = { bus, openLog: async () => log } as unknown as Broker
  const webhooks = [{ url: `http://127.0.0.1:${port}/`, secret: 'a secret of thirty-two characters' }]
  const shared = await openSharedChat(broker, {
    ...{ apiKeys: undefined, webhooks, maxBodyBytes: undefined, logger: silentLogger, tracer: undefined },
  })
  try {
    shared.lead()
    await expect.poll(() => failures).toBeLessThan(0)
    await outboxOf(log, webhooks).append({ room: 'lobby', user: 'ann', id: '1', body: 'hello' })
    await expect.poll(() => bodies.join()).toContain('hello')
  } finally {
    shared.close()
    receiver.close()
    receiver.closeAllConnections()
  }
})
