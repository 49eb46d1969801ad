import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { jsonLogger } from '../src/base/logger.ts'
import { ChatClient } from '../src/client/node.ts'
import { OtlpExporter } from '../src/telemetry/exporter.ts'
import { telemetrySettings } from '../src/telemetry/settings.ts'
import { Tracer } from '../src/telemetry/tracer.ts'
import { runCli, startCli } from './run-cli.ts'
import { attributeOf, startOtlpReceiver } from './support/otlp-receiver.ts'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

const until = (what: () => unknown) => expect.poll(what, { timeout: 60_000, interval: 100 }).toBeTruthy()

async function receiver(port?: number) {
  const started = await startOtlpReceiver(port)
  closers.push(started.close)
  return started
}

/** A backend that allows every message, and keeps the traces that its requests name. */
async function backend() {
  const traces: (string | string[] | undefined)[] = []
  const server = createServer((request, response) => {
    traces.push(request.headers.traceparent)
    request.resume().on('end', () => response.end('{"allow":true}'))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closers.push(() => {
    server.close()
    server.closeAllConnections()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, traces }
}

const SECRET = 'a secret for hooks of more than thirty-two characters'
const KEY = 'a key of the server API of more than thirty-two characters'
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const SPAN = '00f067aa0ba902b7'

/** `serve` until it is ready, with `env`. */
async function serve(env: Record<string, string>, args: string[] = []) {
  const fixed = [
    '--anonymous',
    '--port',
    '0',
    '--control-port',
    '0',
    '--cooldown',
    '0',
    '--log-format',
    'json',
  ]
  const data = mkdtempSync(join(tmpdir(), 'telemetry-'))
  const { child, finished } = startCli(['serve', ...fixed, '--data', data, ...args], {
    CONCERTINA_API_KEY: KEY,
    ...env,
  })
  closers.push(async () => {
    child.kill('SIGKILL')
    await finished
    rmSync(data, { recursive: true, force: true })
  })
  const lines: { message: string; port?: number }[] = []
  let rest = ''
  child.stdout!.on('data', (chunk) => {
    const texts = `${rest}${chunk}`.split('\n')
    rest = texts.pop()!
    for (const text of texts) lines.push(JSON.parse(text))
  })
  const portOf = (what: string) => lines.find(({ message }) => message.startsWith(what))?.port
  await until(() => portOf('Dashboard'))
  return {
    child,
    finished,
    lines,
    chat: `ws://127.0.0.1:${portOf('Chat')}/chat`,
    control: `http://127.0.0.1:${portOf('Dashboard')}`,
  }
}

async function user(url: string, name: string) {
  const client = new ChatClient({ url, user: name })
  closers.push(() => client.close())
  await client.join('lobby')
  return client
}

describe('telemetry', () => {
  it('traces a message from its receipt to its delivery by each server, and reports the metrics', async () => {
    const otlp = await receiver()
    const app = await backend()
    const started = await serve(
      {
        OTEL_EXPORTER_OTLP_ENDPOINT: otlp.url,
        OTEL_EXPORTER_OTLP_HEADERS: 'x-key=abc',
        OTEL_SERVICE_NAME: 'talk',
        OTEL_TRACES_SAMPLER: 'parentbased_always_on',
        OTEL_METRIC_EXPORT_INTERVAL: '500',
        CONCERTINA_LIVE_HOOKS_URL: app.url,
        CONCERTINA_LIVE_HOOKS_SECRET: SECRET,
        CONCERTINA_LIVE_WEBHOOKS: JSON.stringify([{ url: app.url, secret: SECRET, events: ['message'] }]),
      },
      ['--min-servers', '2', '--max-servers', '3', '--scale-up-threshold', '1'],
    )
    const ann = await user(started.chat, 'ann')
    await user(started.chat, 'bob')
    const { seq } = await ann.send('lobby', 'hello')

    await until(() => otlp.named('message send').length === 1)
    const [whole] = otlp.named('message send')
    const partsNow = () => otlp.spans.filter(({ parentSpanId }) => parentSpanId === whole!.spanId)
    const names = () =>
      partsNow()
        .map(({ name }) => name)
        .sort()
    await expect.poll(names, { timeout: 60_000 }).toEqual(['append', 'deliver', 'deliver', 'hook'])
    const parts = partsNow()
    expect(parts.every(({ traceId }) => traceId === whole!.traceId)).toBe(true)
    expect(attributeOf(whole!, 'concertina.room')).toBe('lobby')
    for (const each of parts.filter(({ name }) => name !== 'hook'))
      expect(attributeOf(each, 'concertina.seq')).toBe(String(seq))
    const hook = parts.find(({ name }) => name === 'hook')!
    expect(app.traces).toContain(`00-${hook.traceId}-${hook.spanId}-01`)
    expect(JSON.stringify(otlp.spans)).not.toContain('hello')
    expect(attributeOf({ attributes: otlp.resources[0]! }, 'service.name')).toBe('talk')
    expect(otlp.headers.every((each) => each['x-key'] === 'abc')).toBe(true)

    const published = await fetch(`${started.control}/v1/rooms/lobby/messages`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${KEY}`,
        'content-type': 'application/json',
        traceparent: `00-${TRACE}-${SPAN}-01`,
      },
      body: JSON.stringify({ body: 'news' }),
    })
    expect(published.status).toBe(200)
    await until(() => otlp.spans.some(({ kind, traceId }) => kind === 2 && traceId === TRACE))
    const request = otlp.spans.find(({ traceId }) => traceId === TRACE)!
    expect(request).toMatchObject({ name: 'POST /v1/rooms/{room}/messages', parentSpanId: SPAN })
    expect(attributeOf(request, 'http.response.status_code')).toBe('200')
    await until(() => otlp.named('message publish').length === 1)
    await until(() => otlp.named('webhook').length > 0)
    const webhooks = otlp.named('webhook')
    expect(webhooks.some((each) => app.traces.includes(`00-${each.traceId}-${each.spanId}-01`))).toBe(true)

    await Promise.all(['eve', 'joe', 'kim'].map((name) => user(started.chat, name)))
    const decisions = () => otlp.named('scaling scale_up').map(({ spanId }) => spanId)
    await until(() =>
      otlp.named('server start').some(({ parentSpanId = '' }) => decisions().includes(parentSpanId)),
    )

    const text = await (await fetch(`${started.control}/metrics`)).text()
    const exposed = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name!)
    await until(() => exposed.every((name) => otlp.metrics.has(name)))
    expect(otlp.metrics.get('concertina_users')?.gauge?.dataPoints[0]?.asDouble).toBeGreaterThan(0)
    const value = (name: string) => otlp.metrics.get(name)?.sum?.dataPoints[0]?.asDouble
    await until(() => value('concertina_messages_total') === 1)
    expect(otlp.metrics.get('concertina_messages_total')?.sum?.isMonotonic).toBe(true)
    const latency = () => otlp.metrics.get('concertina_message_latency_seconds')?.histogram?.dataPoints[0]
    await until(() => latency()?.count === '1')
    expect(latency()!.bucketCounts!.length).toBe(latency()!.explicitBounds!.length + 1)

    started.child.kill('SIGTERM')
    expect((await started.finished).status).toBe(0)
  }, 180_000)

  it('does not need its receiver: the chat continues, and ends', async () => {
    const gone = await startOtlpReceiver()
    gone.close()
    const started = await serve({ OTEL_EXPORTER_OTLP_ENDPOINT: gone.url, OTEL_TRACES_SAMPLER: 'always_on' }, [
      '--max-servers',
      '1',
    ])
    const ann = await user(started.chat, 'ann')
    await ann.send('lobby', 'hello')
    await until(() => started.lines.some(({ message }) => message.startsWith('Telemetry: the receiver at')))
    const spans = await receiver(Number(new URL(gone.url).port))
    await until(() => spans.named('message send').length === 1)
    spans.close()
    await ann.send('lobby', 'again')
    started.child.kill('SIGTERM')
    const { status, stdout } = await started.finished
    expect(status).toBe(0)
    expect(stdout).toContain('Telemetry: the receiver at')
    expect(stdout).toContain('the receiver works again')
  }, 120_000)

  it('rejects a flag or a variable that is wrong, by its name', async () => {
    const flag = await runCli(['serve', '--anonymous', '--otlp-endpoint', 'collector:4318'])
    expect(flag).toMatchObject({ status: 2 })
    expect(flag.stderr).toContain('--otlp-endpoint')
    const { finished } = startCli(['serve', '--anonymous'], {
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318',
      OTEL_TRACES_SAMPLER: 'sometimes',
    })
    const variable = await finished
    expect(variable).toMatchObject({ status: 2 })
    expect(variable.stderr).toContain('OTEL_TRACES_SAMPLER: "sometimes"')
  }, 120_000)

  it('drops what a slow receiver does not take, and counts it', async () => {
    const otlp = await receiver()
    const lines: string[] = []
    const logger = jsonLogger((line) => lines.push(line))
    const settings = telemetrySettings({ endpoint: otlp.url, metricsSeconds: 0.2 }, 'serve', {})!
    const exporter = new OtlpExporter(settings, logger)
    closers.push(() => exporter.close())
    const tracer = new Tracer({ ratio: 1, followParent: true }, exporter)
    otlp.state.status = 503
    for (let i = 0; i < 5000; i++) tracer.begin().end(`span ${i}`, { began: performance.now() })
    await until(() => lines.some((line) => line.includes('status 503')))
    expect(otlp.spans).toEqual([])
    otlp.state.status = 200
    await until(() => otlp.spans.length === 4096)
    expect(otlp.spans.map(({ name }) => name)).toEqual(Array.from({ length: 4096 }, (_, i) => `span ${i}`))
    exporter.report(async () => '')
    const dropped = () => otlp.metrics.get('concertina_telemetry_spans_dropped_total')
    await until(() => dropped()?.sum?.dataPoints[0]?.asDouble === 904)
  }, 60_000)
})
