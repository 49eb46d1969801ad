import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type ListenOptions, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { Outbox } from './outbox.ts'
import { WriteBatcher } from './write-batcher.ts'

const FRAME_BYTES = 10_000
const LIMIT = 300_000

const cleanUps: (() => void)[] = []
afterEach(() => {
  for (const cleanUp of cleanUps.splice(0)) cleanUp()
})

/** A connection whose other side does not read yet. */
async function pair(options: ListenOptions): Promise<{ near: Socket; far: Socket }> {
  const server = createServer({ pauseOnConnect: true })
  server.listen(options)
  await once(server, 'listening')
  const address = server.address() as AddressInfo | string
  const near = typeof address === 'string' ? connect(address) : connect(address.port, '127.0.0.1')
  const [[far]] = (await Promise.all([once(server, 'connection'), once(near, 'connect')])) as [
    [Socket],
    unknown,
  ]
  near.on('error', () => {})
  far.on('error', () => {})
  cleanUps.push(() => {
    near.destroy()
    far.destroy()
    server.close()
  })
  return { near, far }
}

const folder = () => {
  const made = mkdtempSync(join(tmpdir(), 'outbox-'))
  cleanUps.push(() => rmSync(made, { recursive: true, force: true }))
  return made
}

/** A TCP connection is written to past its stream, anything else through it. */
const KINDS: [string, () => ListenOptions][] = [
  ['a TCP connection', () => ({ port: 0, host: '127.0.0.1' })],
  ['a connection of another kind', () => ({ path: join(folder(), 'socket') })],
]

const frame = (number: number) => Buffer.alloc(FRAME_BYTES, number % 251)

/** An outbox of which the system accepts nothing more, and how many frames that took. */
async function fullOutbox(
  socket: Socket,
): Promise<{ outbox: Outbox; pushed: number; timesFull: () => number }> {
  let timesFull = 0
  const outbox: Outbox = new Outbox(socket, new WriteBatcher(), LIMIT, {
    isOpen: () => true,
    onFull: () => {
      timesFull++
      void outbox.drained()
    },
  })
  let pushed = 0
  for (let waiting = -1; !outbox.full || outbox.waiting !== waiting; ) {
    waiting = outbox.waiting
    if (!outbox.full) for (let i = 0; i < 10; i++) outbox.push(frame(pushed++))
    await turn()
    if (outbox.full) await sleep(50)
  }
  return { outbox, pushed, timesFull: () => timesFull }
}

describe.each(KINDS)('the outbox of %s', (_, options) => {
  it('counts what is not read as waiting, and writes all of it in order once it is', async () => {
    const { near, far } = await pair(options())
    const { outbox, timesFull, pushed: pushedUntilFull } = await fullOutbox(near)
    let pushed = pushedUntilFull
    expect(timesFull()).toBeGreaterThan(0)
    expect(outbox.waiting).toBeGreaterThan(LIMIT)

    let drained = false
    const draining = outbox.drained().then(() => {
      drained = true
    })
    // What is pushed to a full outbox comes behind the rest, too.
    for (let i = 0; i < 3; i++) {
      outbox.push(frame(pushed++))
      await turn()
    }
    expect(drained).toBe(false)

    const received: Buffer[] = []
    let bytes = 0
    far.on('data', (chunk: Buffer) => {
      received.push(chunk)
      bytes += chunk.length
    })
    far.resume()
    await draining
    while (bytes < pushed * FRAME_BYTES) await once(far, 'data')
    const all = Buffer.concat(received)
    expect(all.equals(Buffer.concat(Array.from({ length: pushed }, (_, i) => frame(i))))).toBe(true)
    expect(outbox.waiting).toBe(0)
  })

  it('is drained when the connection is gone', async () => {
    const { near, far } = await pair(options())
    const { outbox } = await fullOutbox(near)
    const draining = outbox.drained()
    far.destroy()
    await draining
    expect(outbox.closed).toBe(true)
  })

  it('keeps the order of frames with and without buffers of their own', async () => {
    const { near, far } = await pair(options())
    const limit = 1000 // it is written when it becomes full
    const outbox: Outbox = new Outbox(near, new WriteBatcher(), limit, {
      isOpen: () => true,
      onFull: () => void outbox.drained(),
    })
    const expected = Array.from({ length: 400 }, (_, i) => `frame ${i};`)
    for (const [i, text] of expected.entries()) {
      if (i % 97 === 0) {
        outbox.push(Buffer.from(text))
      } else {
        const at = outbox.reserve(text.length)
        outbox.out.write(text, at)
        outbox.commit(text.length)
      }
    }
    const all = expected.join('')
    let received = ''
    far.on('data', (chunk: Buffer) => {
      received += chunk
    })
    far.resume()
    await expect.poll(() => received).toBe(all)
  })
})
