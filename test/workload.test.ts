import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { createServer as createHttps } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { parse } from 'yaml'
import { prometheusSource } from '../src/load-sources/prometheus.ts'
import { runCli, startCli } from './run-cli.ts'
import { kedaClient } from './support/keda/client.ts'
import { freePort } from './support/ports.ts'
import { Prometheus, requirePrometheus } from './support/prometheus.ts'

const EXAMPLES = new URL('../examples/workloads/', import.meta.url)
const SLOW = { timeout: 40_000, interval: 200 }

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as { port: number }).port
}

describe.skipIf(!requirePrometheus())(
  'any workload, by a query to a real Prometheus',
  { timeout: 120_000 },
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'workload-'))
    let players: number | undefined = 100
    const begun = Date.now()
    let app: Server
    let prometheus: Prometheus
    beforeAll(async () => {
      app = createServer((_, response) => {
        response.setHeader('content-type', 'text/plain; version=0.0.4')
        const lines = [
          `http_requests_total{app="web",code="200"} ${Math.round((Date.now() - begun) * 0.28)}`,
          'gateway_connections_active{app="gateway",route="a"} 1500',
          'gateway_connections_active{app="gateway",route="b"} 300',
          'kafka_consumergroup_lag{consumergroup="orders",partition="0"} 1200',
          'kafka_consumergroup_lag{consumergroup="orders",partition="1"} 2800',
          `last_seen_two_minutes_ago 5 ${Date.now() - 120_000}`,
          ...(players === undefined ? [] : [`game_players_online ${players}`]),
        ]
        response.end(`${lines.join('\n')}\n`)
      })
      const target = await listen(app)
      const config = {
        global: { scrape_interval: '1s' },
        scrape_configs: [{ job_name: 'app', static_configs: [{ targets: [`127.0.0.1:${target}`] }] }],
      }
      prometheus = await Prometheus.startWith(folder, JSON.stringify(config), ['--query.lookback-delta=60s'])
      await vi.waitFor(async () => expect((await read('up')).load).toBe(1), SLOW)
    }, 60_000)
    afterAll(() => {
      prometheus?.process.kill('SIGKILL')
      app?.close()
      app?.closeAllConnections()
      rmSync(folder, { recursive: true, force: true })
    })

    const read = (query: string, maxAgeSeconds = 60) =>
      prometheusSource({ url: prometheus.url, query, maxAgeSeconds }).read(AbortSignal.timeout(10_000))
    const flagsOf = (query: string) => [
      '--prometheus',
      prometheus.url,
      '--load-query',
      query,
      '--control-port',
      '0',
    ]
    const thresholds = ['--scale-up-threshold', '20', '--scale-down-threshold', '10', '--cooldown', '0']

    /** A controller whose sizes go to a file. */
    function startController(name: string, flags: readonly string[]) {
      const file = join(folder, name)
      const provider = ['--provider', 'command', '--command', `echo {} >> ${file}`]
      const { child, finished } = startCli(['controller', ...provider, ...flags])
      const sizes = () => (existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').map(Number) : [])
      let output = ''
      child.stdout!.on('data', (chunk: Buffer) => {
        output += chunk
      })
      const printed = async (text: string) => {
        await expect.poll(() => output.includes(text), SLOW).toBe(true)
      }
      const stop = async () => {
        child.kill('SIGTERM')
        return finished
      }
      /** What its control port answers. */
      const answer = async (path: string) => {
        const [, url] = /Dashboard: (http\S+\/)/.exec(output) ?? []
        if (!url) return { status: 0, text: '' }
        const response = await fetch(`${url}${path}`)
        return { status: response.status, text: await response.text() }
      }
      return { sizes, printed, stop, answer }
    }

    it('scales each example by its query, config and manifest', async () => {
      players = 300
      const names = readdirSync(EXAMPLES)
      const runs = names.map((name) => {
        const file = (path: string) => new URL(`${name}/${path}`, EXAMPLES)
        const manifest = parse(readFileSync(file('manifest.yaml'), 'utf8'))
        const args: string[] = manifest.spec.template.spec.containers[0].args
        const query = readFileSync(file('query.promql'), 'utf8').trim()
        expect(args[0]).toBe('controller')
        expect(args).toContain(`--load-query=${query}`)
        const config = file('concertina.yaml').pathname
        return startController(name, [...flagsOf(query), '--config', config])
      })
      const sizes = () => Object.fromEntries(names.map((name, i) => [name, runs[i]!.sizes().at(-1)]))
      const expected = { 'api-gateway': 5, 'game-server': 5, 'stream-processor': 4, 'web-app': 6 }
      await expect.poll(sizes, { timeout: 90_000, interval: 200 }).toEqual(expected)
      for (const { stop } of runs) {
        const { status, stderr } = await stop()
        expect([status, stderr]).toEqual([0, ''])
      }
    })

    it('never takes for 0 what is missing', async () => {
      expect(await read('no_such_metric')).toEqual({ load: undefined, reason: 'the query gives no sample' })
      expect(await read('gateway_connections_active')).toMatchObject({
        reason: 'the query gives 2 series, not one',
      })
      expect(await read('sum(')).toMatchObject({ reason: expect.stringContaining('bad_data') })
      expect(await read('game_players_online / 0 - game_players_online / 0')).toMatchObject({
        reason: 'the query gives NaN',
      })
      expect(await read('-game_players_online')).toMatchObject({
        reason: expect.stringMatching(/^the query gives -\d/),
      })
      expect(await read('vector(3)')).toMatchObject({ load: 3 })
      const away = prometheusSource({ url: 'http://127.0.0.1:1', query: 'up' })
      expect((await away.read(AbortSignal.timeout(5000))).load).toBeUndefined()
    })

    it('does not believe a sample that is too old', async () => {
      const scraped = async () => (await read('scrape_samples_scraped')).load
      await expect.poll(scraped, SLOW).toBeGreaterThan(5)
      expect(await read('last_seen_two_minutes_ago offset 90s')).toMatchObject({ load: 5 })
      expect(await read('sum(last_seen_two_minutes_ago)')).toEqual({
        load: undefined,
        reason: 'the query gives no sample',
      })
    })

    it('sends a bearer token over TLS, and checks the certificate', async () => {
      const pem = (name: string) => join(folder, name)
      const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1']
      const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
      execFileSync('openssl', ['req', '-x509', ...key, ...names, '-keyout', pem('k'), '-out', pem('c')], {
        stdio: 'ignore',
      })
      let age = 0
      const server = createHttps(
        { key: readFileSync(pem('k')), cert: readFileSync(pem('c')) },
        async (request, response) => {
          let body = ''
          for await (const chunk of request) body += chunk
          if (!body.endsWith('&lookback_delta=60s')) response.writeHead(400).end(body)
          else if (request.headers.authorization !== 'Bearer secret') response.writeHead(401).end('no')
          else {
            const value = [Date.now() / 1000 - age, '7']
            response.end(JSON.stringify({ status: 'success', data: { resultType: 'scalar', result: value } }))
          }
        },
      )
      const options = { url: `https://127.0.0.1:${await listen(server)}`, query: 'x', caFile: pem('c') }
      writeFileSync(pem('token'), 'secret\n')
      const source = prometheusSource({ ...options, bearerToken: `@${pem('token')}` })
      const signal = AbortSignal.timeout(10_000)
      expect((await source.read(signal)).load).toBe(7)
      age = 120
      expect(await source.read(signal)).toMatchObject({ reason: 'the sample is 120 s old' })
      expect(await prometheusSource(options).read(signal)).toMatchObject({
        reason: 'HTTP status 401, and no JSON',
      })
      const { caFile: _, ...untrusting } = options
      expect(await prometheusSource(untrusting).read(signal)).toMatchObject({
        reason: expect.stringMatching(/self.signed/),
      })
      server.close()
      server.closeAllConnections()
    })

    it('is ready when it has read the load, and exports what it sees and decides', async () => {
      players = undefined
      await expect.poll(() => read('game_players_online'), SLOW).toMatchObject({ load: undefined })
      const { sizes, stop, answer } = startController('ready', [
        ...flagsOf('game_players_online'),
        ...thresholds,
      ])
      await expect.poll(() => answer('readyz'), SLOW).toEqual({ status: 503, text: 'not ready\n' })
      expect((await answer('healthz')).status).toBe(200)
      const missing = (await answer('metrics')).text
      expect(missing).toContain('concertina_load_missing 1\n')
      expect(missing).not.toMatch(/^concertina_load /m)
      players = 100
      await expect.poll(() => answer('readyz'), SLOW).toEqual({ status: 200, text: 'ready\n' })
      await expect.poll(() => sizes().at(-1), SLOW).toBe(5)
      const { text } = await answer('metrics')
      for (const line of ['load 100', 'load_missing 0', 'servers_desired 5', 'servers{state="ready"} 5'])
        expect(text).toContain(`\nconcertina_${line}\n`)
      expect(text).toMatch(/^concertina_scaling_decisions_total\{action="scale_up"\} [1-9]/m)
      expect(text).toMatch(/^concertina_load_reads_failed_total [1-9]/m)
      expect((await stop()).status).toBe(0)
    })

    it('scales by a command, scales in on nothing that is missing, and logs every decision', async () => {
      players = 100
      const log = join(folder, 'decisions.jsonl')
      const flags = [...flagsOf('game_players_online'), ...thresholds, '--decisions', log]
      const { sizes, printed, stop } = startController('sizes', flags)
      await expect.poll(() => sizes().at(-1), SLOW).toBe(5)
      players = 130
      await expect.poll(() => sizes().at(-1), SLOW).toBe(7)
      prometheus.process.kill('SIGSTOP')
      try {
        await printed('Load: missing: no answer within 5 s')
      } finally {
        prometheus.process.kill('SIGCONT')
      }
      players = undefined
      await printed('Load: missing: the query gives no sample')
      expect(sizes().at(-1)).toBe(7)
      players = 10
      await expect.poll(() => sizes().at(-1), SLOW).toBe(2)
      const { status, stderr } = await stop()
      expect([status, stderr]).toEqual([0, ''])
      const { stdout: said } = await runCli(['explain', log])
      expect(said).toContain('2 servers')
      const { status: replayed, stdout: table } = await runCli(['replay', log, '--policy', 'threshold'])
      expect([replayed, table.includes('threshold')]).toEqual([0, true])
    })

    it('names the flag when something is wrong, before it starts', async () => {
      const cases: [string[], string][] = [
        [['--broker', 'nats://127.0.0.1:1'], '--prometheus: the load of chat comes from its broker'],
        [['--anonymous'], '--anonymous: it is only for chat'],
        [['--provider', 'command'], '--command: provider command needs it'],
        [[], '--provider: it is missing'],
        [['--provider', 'command', '--command', 'true', '--max-age', '0'], '--max-age: 0 is not allowed'],
        [
          ['--provider', 'command', '--command', 'true', '--prometheus-ca', '/no/such'],
          '--prometheus-ca: ENOENT',
        ],
      ]
      for (const [flags, message] of cases) {
        const { status, stderr } = await runCli(['controller', ...flagsOf('up'), ...flags])
        expect([status, stderr]).toEqual([2, expect.stringContaining(message)])
      }
      const nothing = await runCli(['controller', '--provider', 'kubernetes'])
      expect([nothing.status, nothing.stderr]).toEqual([
        2,
        expect.stringContaining('nothing to read the load from'),
      ])
    })

    it('gives KEDA the size of a policy, and lets it scale to and from zero', async () => {
      players = 100
      const port = await freePort()
      const { child, finished } = startCli([
        'keda',
        ...['--port', String(port), '--startup-delay', '0'],
        ...flagsOf('game_players_online'),
        ...thresholds,
      ])
      const client = kedaClient(port)
      await expect.poll(client.desired, SLOW).toBe(5)
      expect(await client.call('IsActive')).toEqual({ result: true })
      expect(await client.call('GetMetricSpec')).toMatchObject({ metricSpecs: [{ targetSizeFloat: 1 }] })
      const { seen, cancel } = client.activity()
      await expect.poll(() => seen, SLOW).toEqual([true])
      players = 0
      await expect.poll(() => seen, SLOW).toEqual([true, false])
      expect(await client.call('IsActive')).toEqual({ result: false })
      await expect.poll(client.desired, SLOW).toBeLessThan(3)
      players = 60
      await expect.poll(() => seen, SLOW).toEqual([true, false, true])
      await expect.poll(client.desired, SLOW).toBe(3)
      players = undefined // load unknown: neither less, nor inactive
      await new Promise((resolve) => setTimeout(resolve, 4000))
      expect([await client.desired(), seen.length]).toEqual([3, 3])
      cancel()
      client.close()
      child.kill('SIGTERM')
      expect((await finished).stdout).toContain('Load: missing')
    })

    it('gives KEDA nothing, or the fallback size, before the load was known once', async () => {
      const port = await freePort()
      const unknownLoad = ['keda', '--port', String(port), ...flagsOf('no_such_metric')]
      for (const [flags, size] of [
        [[], undefined],
        [['--fallback-servers', '6'], 6],
      ] as const) {
        const { child, finished } = startCli([...unknownLoad, ...flags])
        const client = kedaClient(port)
        const answers = async () => Boolean(await client.call('GetMetricSpec').catch(() => undefined))
        await expect.poll(answers, SLOW).toBe(true)
        expect(await client.desired()).toBe(size)
        if (size === undefined)
          await expect(client.call('IsActive')).rejects.toThrow('the load is not known yet')
        else expect(await client.call('IsActive')).toEqual({ result: true })
        client.close()
        child.kill('SIGTERM')
        await finished
      }
    })
  },
)
