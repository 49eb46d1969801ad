import { expect, it } from 'vitest'
import { parseTrace } from './trace.ts'

const START = 1_748_822_400
const iso = (second: number) => new Date((START + second) * 1000).toISOString()

/** A line of each server for a request `second` after the start by the client `ip` with the browser `agent`. */
const SERVERS: Record<string, (second: number, ip: string, agent: string) => unknown> = {
  'nginx with time_iso8601': (second, ip, agent) => ({
    time_iso8601: iso(second).replace('.000Z', '+00:00'),
    remote_addr: ip,
    request_time: '0.003',
    http_user_agent: agent,
  }),
  'nginx with msec as text': (second, ip, agent) => ({
    msec: `${START + second}.250`,
    remote_addr: ip,
    http_x_forwarded_for: '-',
    http_user_agent: agent,
  }),
  'nginx with time_local behind a proxy': (second, ip, agent) => ({
    time_local: `02/Jun/2025:02:${String(Math.floor(second / 60)).padStart(2, '0')}:${String(second % 60).padStart(2, '0')} +0200`,
    remote_addr: '192.0.2.254',
    http_x_forwarded_for: `${ip}, 192.0.2.7`,
    http_user_agent: agent,
  }),
  Caddy: (second, ip, agent) => ({
    level: 'info',
    ts: START + second + 0.5,
    logger: 'http.log.access',
    request: {
      remote_ip: '192.0.2.254',
      client_ip: ip,
      method: 'GET',
      headers: { 'User-Agent': [agent], Accept: ['*/*'] },
    },
    status: 200,
  }),
  'Caddy of old': (second, ip, agent) => ({
    ts: START + second,
    request: { remote_addr: `${ip}:${40_000 + (second % 100)}`, headers: { 'User-Agent': [agent] } },
  }),
  Traefik: (second, ip, agent) => ({
    ClientAddr: `${ip}:${50_000 + (second % 100)}`,
    ClientHost: ip,
    Duration: 1_234_567,
    StartUTC: iso(second).replace('Z', '456789Z'),
    'request_User-Agent': agent,
  }),
  'a load balancer with ports and milliseconds': (second, ip, agent) => ({
    timestamp: (START + second) * 1000,
    client: `${ip}:${30_000 + (second % 100)}`,
    user_agent: agent,
  }),
  CloudFront: (second, ip, agent) => ({
    date: iso(second).slice(0, 10),
    time: iso(second).slice(11, 19),
    'c-ip': ip,
    'cs(User-Agent)': agent,
  }),
  'Google Cloud': (second, ip, agent) => ({
    timestamp: iso(second),
    httpRequest: { remoteIp: ip, userAgent: agent, latency: '0.1s' },
  }),
  Envoy: (second, ip, agent) => ({
    start_time: iso(second),
    downstream_remote_address: `[2001:db8::${ip.replaceAll('.', '')}]:${20_000 + (second % 100)}`,
    user_agent: agent,
  }),
  'an app with pino': (second, ip, agent) => ({
    level: 30,
    time: (START + second) * 1000,
    req: { remoteAddress: ip, headers: { 'user-agent': agent } },
  }),
}

/** Two browsers behind one address, one of which comes back; another address in between. */
const REQUESTS: [second: number, ip: string, agent: string][] = [
  [0, '198.51.100.1', 'A'],
  [10, '198.51.100.1', 'B'],
  [30, '198.51.100.2', 'A'],
  [50, '198.51.100.1', 'A'],
  [400, '198.51.100.1', 'A'],
  [600, '198.51.100.2', 'A'],
]

it.each(Object.entries(SERVERS))('counts the visitors of a JSON access log: %s', (_, line) => {
  const text = REQUESTS.map((request) => `${JSON.stringify(line(...request))}\n`).join('')
  const { values, about } = parseTrace(text, 'f', { session: 120 })
  // Each is there until the end of the step in which the session ends.
  expect([...values]).toEqual([3, 3, 3, 0, 0, 0, 1, 1, 1, 0, 1])
  expect(about).toMatchObject({ format: 'json-access-log', start: START * 1000 })
  const requests = parseTrace(text, 'f', { column: 'requests' })
  expect([...requests.values]).toEqual([4, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1])
})

it('leaves out what is not a request, and says how much', () => {
  const line = SERVERS.Caddy!
  const text = [
    '{"level":"info","ts":1748822399.5,"msg":"serving initial configuration"}',
    ...REQUESTS.map((request) => JSON.stringify(line(...request))),
    '',
    '{"level":"error","ts":1748822999',
  ].join('\r\n')
  const { values, about } = parseTrace(text, 'f', { column: 'requests' })
  expect([...values]).toEqual([4, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1])
  expect(about?.notes).toEqual(['2 of 8 lines are not requests'])
})

it('says that times without a zone were read as UTC', () => {
  const text = ['00:00:00', '00:02:00'].map((time) => `{"ts":"2025/06/02 ${time}","client_ip":"::1"}\n`)
  expect(parseTrace(text.join(''), 'f').about).toMatchObject({
    start: START * 1000,
    notes: ['the times name no zone and were read as UTC'],
  })
})

it.each([
  ['neither', '{"level":"info","msg":"x"}'],
  ['no client', `{"ts":${START},"msg":"x"}`],
  ['no time', '{"remote_addr":"::1","request_time":0.004,"time":"12"}'],
  ['a day and no time of day', '{"date":"2025-06-02","remote_addr":"::1"}'],
])('says what is missing in JSON lines: %s', (_, line) => {
  expect(() => parseTrace(`${line}\n${line}\n`, 'f')).toThrow(
    /^f: no line is a request with a time and a client$/,
  )
})

it('is not led astray by fields of other formats', () => {
  const text = REQUESTS.map(
    ([second, ip]) =>
      `{"errorType":"none","Datapoints":[],"resultType":"matrix","ts":${START + second},"client_ip":"${ip}"}\n`,
  )
  expect(parseTrace(text.join(''), 'f').about?.format).toBe('json-access-log')
})
