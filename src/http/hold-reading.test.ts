import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { holdReading } from './hold-reading.ts'

const cleanUps: (() => void)[] = []
afterEach(() => {
  for (const cleanUp of cleanUps.splice(0)) cleanUp()
})

/** Two ends of a connection; the near one keeps what it reads. */
async function connection() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const far = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const [near] = (await once(server, 'connection')) as [Socket]
  const read: Buffer[] = []
  near.on('data', (chunk: Buffer) => read.push(chunk))
  cleanUps.push(() => {
    far.destroy()
    near.destroy()
    server.close()
  })
  return { near, far, read: () => String(Buffer.concat(read)) }
}

it('reads nothing until it is released, also when the stream is paused and resumed', async () => {
  const { near, far, read } = await connection()
  const other = await connection()
  far.write('a')
  await expect.poll(read).toBe('a')
  const release = holdReading(near)!
  far.write('b')
  for (let i = 1; i <= 5; i++) {
    near.pause()
    near.resume()
    other.far.write('x')
    await expect.poll(other.read).toBe('x'.repeat(i))
  }
  expect(read()).toBe('a')
  release()
  await expect.poll(read).toBe('ab')
})

it('leaves a stream that is paused at the release to be resumed', async () => {
  const { near, far, read } = await connection()
  far.write('a')
  await expect.poll(read).toBe('a')
  const release = holdReading(near)!
  near.pause()
  far.write('b')
  release()
  near.resume()
  await expect.poll(read).toBe('ab')
})

it('does nothing to a connection that is gone, and holds none', async () => {
  const { near, far, read } = await connection()
  far.write('a')
  await expect.poll(read).toBe('a')
  const release = holdReading(near)!
  near.destroy()
  release()
  await once(near, 'close')
  expect(holdReading(near)).toBeUndefined()
})
