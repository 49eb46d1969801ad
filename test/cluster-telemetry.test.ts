import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { ChatClient } from '../src/client/node.ts'
import { listen } from '../src/http/listen.ts'
import { startLogging, watchServers } from './support/cluster.ts'
import { requireNats, startNats } from './support/nats.ts'
import { attributeOf, startOtlpReceiver } from './support/otlp-receiver.ts'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

const SLOW = { timeout: 60_000, interval: 100 }

/** A receiver, and the flags of a process that sends it everything, soon. */
async function receiver() {
  const otlp = await startOtlpReceiver()
  const folder = mkdtempSync(join(tmpdir(), 'cluster-telemetry-'))
  closers.push(otlp.close, () => rmSync(folder, { recursive: true, force: true }))
  const config = join(folder, 'config.yaml')
  writeFileSync(config, 'telemetry: { sampleRatio: 1, metricsSeconds: 0.5 }')
  return { otlp, flags: ['--config', config, '--otlp-endpoint', otlp.url, '--control-port', '0'] }
}

function start(args: readonly string[]) {
  const started = startLogging(args)
  closers.push(async () => {
    started.child.kill('SIGKILL')
    await started.finished
  })
  return started
}

describe('telemetry', () => {
  it.skipIf(!requireNats())(
    'comes from the controller of a cluster, and from the servers that it starts',
    async () => {
      const nats = await startNats({ nodes: 1 })
      closers.push(() => nats.close())
      const watched = await watchServers(nats.url, 'traced')
      closers.push(() => watched.close())
      const { otlp, flags } = await receiver()
      const cluster = ['--broker', nats.url, '--replicas', '1', '--cluster-name', 'traced', '--anonymous']
      start(['controller', ...cluster, ...flags, '--min-servers', '2', '--max-servers', '2'])
      await expect.poll(() => watched.servers.size, SLOW).toBe(2)
      const user = new ChatClient({ url: watched.url, user: 'ann' })
      closers.push(() => user.close())
      await user.join('lobby')
      const { seq } = await user.send('lobby', 'hello')

      await expect.poll(() => otlp.named('message send').length, SLOW).toBe(1)
      const [whole] = otlp.named('message send')
      expect(whole!.service).toBe('concertina-server')
      const parts = () => otlp.spans.filter(({ parentSpanId }) => parentSpanId === whole!.spanId)
      const names = () =>
        parts()
          .map(({ name }) => name)
          .toSorted()
      await expect.poll(names, SLOW).toEqual(['append', 'deliver'])
      for (const part of parts()) expect(attributeOf(part, 'concertina.seq')).toBe(String(seq))
      // None of a server that a new term of the controller found running.
      await expect.poll(() => otlp.named('server start').length, SLOW).toBeGreaterThan(0)
      for (const { service } of otlp.named('server start')) expect(service).toBe('concertina-controller')
      const metricsOf = (service: string) => [...(otlp.metricsOf.get(service) ?? [])]
      await expect
        .poll(() => metricsOf('concertina-server'), SLOW)
        .toContain('concertina_node_message_latency_seconds')
      await expect.poll(() => metricsOf('concertina-controller'), SLOW).toContain('concertina_servers')
    },
    150_000,
  )

  it('comes from the scaler for KEDA', async () => {
    const prometheus = createServer((request, response) => {
      request.resume()
      const result = [{ metric: {}, value: [Date.now() / 1000, '50'] }]
      response.end(JSON.stringify({ status: 'success', data: { resultType: 'vector', result } }))
    })
    const port = await listen(prometheus, '127.0.0.1', 0)
    closers.push(() => {
      prometheus.close()
      prometheus.closeAllConnections()
    })
    const { otlp, flags } = await receiver()
    const load = ['--prometheus', `http://127.0.0.1:${port}`, '--load-query', 'users']
    start(['keda', '--port', '0', ...load, ...flags, '--scale-up-threshold', '10', '--max-servers', '5'])
    await expect.poll(() => otlp.named('scaling scale_up').length, SLOW).toBeGreaterThan(0)
    const [span] = otlp.named('scaling scale_up')
    expect(span!.service).toBe('concertina-keda')
    expect(attributeOf(span!, 'concertina.load')).toBe('50')
    await expect
      .poll(() => [...(otlp.metricsOf.get('concertina-keda') ?? [])], SLOW)
      .toContain('concertina_servers')
  }, 120_000)
})
