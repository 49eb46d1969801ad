import { createServer, type RequestListener, type ServerResponse } from 'node:http'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, describe, expect, it } from 'vitest'
import { silentLogger } from '../../base/logger.ts'
import { check } from '../../base/options.ts'
import { listen } from '../../http/listen.ts'
import { telemetrySettings } from '../../telemetry/settings.ts'
import { MemoryRoomLog } from '../log/memory.ts'
import { httpHooks } from './http-hooks.ts'
import { webhookListOptions } from './webhook-options.ts'
import { Webhooks } from './webhooks.ts'

const SECRET = 'a secret for hooks of more than thirty-two characters'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

async function serverOf(listener: RequestListener) {
  const server = createServer(listener)
  const port = await listen(server, '127.0.0.1', 0)
  closers.push(() => {
    server.close()
    server.closeAllConnections()
  })
  return `127.0.0.1:${port}`
}

/** Sends without an end, and counts how much was taken. */
function flood(response: ServerResponse, sent: { bytes: number }): void {
  const part = Buffer.alloc(65_536, ' ')
  const send = () => {
    while (!response.destroyed && response.write(part)) sent.bytes += part.length
    if (!response.destroyed) response.once('drain', send)
  }
  send()
}

/** Collects garbage as often as a busy process does. */
function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  const timer = setInterval(runInNewContext('gc') as () => void, 200)
  closers.push(() => clearInterval(timer))
}

type Answer = (response: ServerResponse) => unknown

const WRONG: [string, Answer][] = [
  ['says that it is gone', (response) => response.writeHead(410).end()],
  ['redirects', (response) => response.writeHead(307, { location: '/elsewhere' }).end()],
  ['breaks off', (response) => response.socket!.destroy()],
]

it('an address with a password is rejected, and in no error', () => {
  const given = { url: 'http://ann:hunter2@127.0.0.1:9/', secret: SECRET }
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: given.url }
  const makers = [
    () => httpHooks(given),
    () => check(webhookListOptions, [given]),
    () => telemetrySettings({}, 'serve', env),
    () => telemetrySettings({ endpoint: given.url }, 'serve', {}),
  ]
  for (const make of makers) {
    expect(make).toThrow(/url: it has a user name|it is not an address/)
    expect(make).not.toThrow(/hunter2/)
  }
})

describe('a backend that is asked', () => {
  it.each<[string, Answer]>([
    ...WRONG,
    ['answers no JSON', (response) => response.end('<p>sign in</p>')],
    ['answers null', (response) => response.end('null')],
    ['does not decide', (response) => response.end('{"allow":"yes"}')],
    ['answers nothing', () => {}],
  ])('decides nothing when it %s', async (_, answer) => {
    let asked = 0
    const address = await serverOf((_, response) => {
      asked++
      answer(response)
    })
    const options = { url: `http://${address}/`, secret: SECRET, timeoutMs: 500 }
    const message = { room: 'r', user: 'ann', id: '1', body: 'hello' }
    await expect(httpHooks(options).beforeMessage!(message)).rejects.toThrow()
    expect(await httpHooks({ ...options, onFailure: 'allow' }).beforeMessage!(message)).toBeUndefined()
    expect(asked).toBe(2)
  })

  it('is not listened to without end', async () => {
    const sent = { bytes: 0 }
    const address = await serverOf((_, response) => flood(response, sent))
    const hooks = httpHooks({ url: `http://${address}/`, secret: SECRET, timeoutMs: 10_000 })
    await expect(hooks.beforeJoin!({ room: 'r', user: 'ann' })).rejects.toThrow('longer than')
    expect(sent.bytes).toBeLessThan(64 << 20)
  })
})

describe('a receiver of webhooks', () => {
  async function deliver(answer: Answer) {
    const events: string[] = []
    let isWrong = true
    let asked = 0
    const address = await serverOf(async (request, response) => {
      let body = ''
      for await (const chunk of request) body += chunk
      asked++
      if (isWrong) return void answer(response)
      events.push(...JSON.parse(body).events.map(({ user }: { user: string }) => user))
      response.end()
    })
    const url = `http://${address}/`
    const webhooks = new Webhooks(new MemoryRoomLog(), [{ url, secret: SECRET }], silentLogger)
    closers.push(() => webhooks.close())
    await webhooks.start()
    await webhooks.log.presence('r', ['ann'], [], false)
    await expect.poll(() => asked).toBeGreaterThan(0)
    isWrong = false
    await webhooks.log.presence('r', ['bob'], [], false)
    await expect.poll(() => events.at(-1), { timeout: 20_000 }).toBe('bob')
    return events
  }

  it.each(WRONG)('gets all when it %s, once it takes them', async (_, answer) => {
    expect(await deliver(answer)).toEqual(['ann', 'bob'])
  })

  it('gets all when it answered nothing, and then takes them', { timeout: 30_000 }, async () => {
    collectGarbage()
    expect(await deliver(() => {})).toEqual(['ann', 'bob'])
  })

  it('may answer what it likes with success', async () => {
    const sent = { bytes: 0 }
    expect(await deliver((response) => flood(response, sent))).toEqual(['bob'])
    expect(sent.bytes).toBeLessThan(64 << 20)
  })

  it('gets nothing in the clear by an address of https', async () => {
    const seen: unknown[] = []
    const address = await serverOf((request) => seen.push(request.url))
    const url = `https://${address}/`
    const warnings: string[] = []
    const logger = { ...silentLogger, warn: (message: string) => warnings.push(message) }
    const webhooks = new Webhooks(new MemoryRoomLog(), [{ url, secret: SECRET }], logger as never)
    closers.push(() => webhooks.close())
    await webhooks.start()
    await webhooks.log.presence('r', ['ann'], [], false)
    await expect.poll(() => warnings.join(), { timeout: 20_000 }).toContain(`Webhook ${url}: `)
    expect(seen).toEqual([])
  })
})
