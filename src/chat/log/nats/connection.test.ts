import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { listen } from '../../../http/listen.ts'
import { connectNats } from './connection.ts'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

/** A server that speaks NATS on the first connections, and accepts the others without a word, as a frozen one does. */
async function frozenAfter(connections: number) {
  const open = new Set<Socket>()
  let accepted = 0
  const server = createServer((socket) => {
    open.add(socket.on('error', () => {}).once('close', () => open.delete(socket)))
    if (accepted++ >= connections) return
    socket.write(
      'INFO {"server_id":"x","version":"2.12.0","proto":1,"max_payload":1048576,"headers":true}\r\n',
    )
    socket.on('data', (data) => {
      if (String(data).includes('PING')) socket.write('PONG\r\n')
    })
  })
  const port = await listen(server, '127.0.0.1', 0)
  closers.push(() => {
    server.close()
    for (const socket of open) socket.destroy()
  })
  return { url: `nats://127.0.0.1:${port}`, open, accepted: () => accepted }
}

it('leaves no socket to a server that never answers', { timeout: 20_000 }, async () => {
  const { url, open } = await frozenAfter(0)
  await expect(connectNats(url, 'test')).rejects.toMatchObject({ code: 'BROKER_UNAVAILABLE' })
  await expect.poll(() => open.size).toBe(0)
})

it('repeats no password of an address that cannot be reached', async () => {
  await expect(connectNats('nats://ann:hunter2@127.0.0.1:1', 'test')).rejects.toMatchObject({
    message: expect.stringMatching(/^broker: nats:\/\/127\.0\.0\.1:1: /),
  })
})

it('leaves one socket at most to a server that freezes, and none after the end', {
  timeout: 30_000,
}, async () => {
  const { url, open, accepted } = await frozenAfter(1)
  const { connection } = await connectNats(url, 'test')
  const [first] = open
  const lost = once(first!, 'close')
  first!.destroy()
  await lost
  await expect.poll(accepted, { timeout: 20_000 }).toBe(4)
  expect(open.size).toBe(1)
  await connection.close()
  await expect.poll(() => open.size).toBe(0)
})
