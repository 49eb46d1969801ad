import { once } from 'node:events'
import http2 from 'node:http2'
import { connect, type Socket } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { Signal } from '../src/base/signal.ts'
import { startKedaScaler } from '../src/keda/scaler.ts'
import { startCli } from './run-cli.ts'
import { kedaClient } from './support/keda/client.ts'
import { freePort } from './support/ports.ts'

// Whoever reaches the port of the scaler: KEDA is answered, and what others hold of it has an end.

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

async function scaler() {
  const ticks = new Signal<unknown>(() => {})
  const controller = { desired: 3, load: 5, ticks }
  const { port, close } = await startKedaScaler({ controller, host: '127.0.0.1', port: 0 })
  closers.push(close)
  return port
}

async function socketsTo(port: number, count: number, sent: string | Buffer): Promise<Set<Socket>> {
  const open = new Set<Socket>()
  for (let i = 0; i < count; i++) {
    const socket = connect(port, '127.0.0.1').on('error', () => {})
    open.add(socket.resume().once('close', () => open.delete(socket)))
    socket.write(sent)
  }
  closers.push(() => {
    for (const socket of open) socket.destroy()
  })
  return open
}

function honest(port: number) {
  const client = kedaClient(port)
  closers.push(() => client.close())
  return client
}

function session(port: number): http2.ClientHttp2Session {
  const opened = http2.connect(`http://127.0.0.1:${port}`).on('error', () => {})
  closers.push(() => opened.destroy())
  return opened
}

/** A call as bytes: what is not a message, or only a part of one. */
function call(opened: http2.ClientHttp2Session, method: string, more: object = {}): http2.ClientHttp2Stream {
  const headers = { ':method': 'POST', 'content-type': 'application/grpc', te: 'trailers', ...more }
  const stream = opened.request({ ':path': `/externalscaler.ExternalScaler/${method}`, ...headers })
  return stream.on('error', () => {}).resume()
}

it.each([
  ['send nothing', ''],
  ['send only the preface', PREFACE],
  ['send another protocol', 'GET / HTTP/1.1\r\n\r\n'],
  ['send junk after the preface', Buffer.concat([Buffer.from(PREFACE), Buffer.alloc(65_536, 7)])],
])('answers KEDA however many connections %s', async (_, sent) => {
  const port = await scaler()
  const early = honest(port)
  const { seen } = early.activity()
  await expect.poll(() => seen).toEqual([true])
  const open = await socketsTo(port, 600, sent)
  await expect.poll(() => open.size).toBeLessThan(65)
  expect([await early.desired(), await honest(port).desired()]).toEqual([3, 3])
})

it('ends connections over which no call comes', { timeout: 60_000 }, async () => {
  const port = await scaler()
  const early = honest(port)
  const { seen } = early.activity()
  await expect.poll(() => seen).toEqual([true])
  const open = await socketsTo(port, 10, PREFACE)
  const halfCall = session(port)
  call(halfCall, 'GetMetrics').write(Buffer.from([0, 0, 0]))
  await once(halfCall, 'close')
  await expect.poll(() => open.size, { timeout: 5000 }).toBe(0)
  expect(await early.desired()).toBe(3)
})

it('answers KEDA also when others hold all connections with calls', async () => {
  const port = await scaler()
  const sessions = Array.from({ length: 100 }, () => session(port))
  for (const each of sessions) call(each, 'StreamIsActive').end(Buffer.alloc(5))
  await expect.poll(() => sessions.filter(({ destroyed }) => !destroyed).length).toBeLessThan(65)
  expect(await honest(port).desired()).toBe(3)
})

it('takes neither messages nor streams without bounds', async () => {
  const port = await scaler()
  const name = 'x'.repeat(1e6)
  await expect(honest(port).call('GetMetrics', { metricName: name })).rejects.toThrow('RESOURCE_EXHAUSTED')
  const large = session(port)
  await once(large, 'remoteSettings')
  expect(large.remoteSettings.maxConcurrentStreams).toBe(100)
  const streams = Array.from({ length: 1000 }, () => call(large, 'StreamIsActive'))
  for (const stream of streams) stream.end(Buffer.alloc(5))
  expect(await honest(port).desired()).toBe(3)
})

it('ends on SIGTERM, whoever is connected', { timeout: 30_000 }, async () => {
  const port = await freePort()
  const load = ['--prometheus', 'http://127.0.0.1:9', '--load-query', 'users', '--fallback-servers', '4']
  const { child } = startCli(['keda', '--port', String(port), '--control-port', '0', ...load])
  closers.push(() => child.kill('SIGKILL'))
  const client = honest(port)
  await expect.poll(() => client.desired(), { timeout: 15_000 }).toBe(4)
  client.activity()
  await socketsTo(port, 50, PREFACE)
  await socketsTo(port, 50, '')
  const streams = session(port)
  for (let i = 0; i < 50; i++) call(streams, 'StreamIsActive').end(Buffer.alloc(5))
  await honest(port).desired()
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  expect(await ended).toEqual([0, null])
})
