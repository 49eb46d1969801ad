import { createServer } from 'node:http'
import { connect } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { pages } from '../src/http/pages.ts'
import { startControlPlane } from '../src/live/control-plane.ts'
import { liveControl } from '../src/live/live-control.ts'
import { Supervisor } from '../src/live/supervisor.ts'
import { AutoScaler } from '../src/scaling/auto-scaler.ts'
import { POLICY_KINDS } from '../src/scaling/policies.ts'

let stop: () => Promise<void> = async () => {}
afterEach(() => stop())

async function plane(token?: string) {
  const autoScaler = new AutoScaler({ minServers: 1, maxServers: 3, interval: 0.1, cooldown: 0 })
  const supervisor = new Supervisor({ gateway: { port: 0 }, autoScaler }, createServer(pages('chat.html')))
  await supervisor.start()
  const target = liveControl(supervisor, autoScaler)
  const started = await startControlPlane(target, { port: 0, token }, supervisor)
  supervisor.run()
  stop = async () => {
    stop = async () => {}
    started.close()
    await supervisor.stop()
  }
  const ask = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(started.url + path.slice(1), init)
    const text = await response.text()
    return {
      status: response.status,
      body: text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : text,
    }
  }
  const post = (path: string, body?: unknown, headers = {}) =>
    ask(path, { method: 'POST', body: body === undefined ? null : JSON.stringify(body), headers })
  return { supervisor, url: started.url, ask, post }
}

it('describes itself, and every described path answers', async () => {
  const { ask } = await plane()
  const { body } = await ask('/openapi.json')
  expect(body.openapi).toBe('3.1.0')
  // The routes of the chat have a test of their own.
  const paths = Object.entries(body.paths as Record<string, object>).filter(
    ([path]) => !path.startsWith('/api/chat/'),
  )
  expect(paths.map(([path]) => path).sort()).toEqual([
    '/api/decision',
    '/api/events',
    '/api/fleets',
    '/api/history',
    '/api/load',
    '/api/pause',
    '/api/policies',
    '/api/policy',
    '/api/servers/{id}/drain',
    '/api/servers/{id}/kill',
    '/api/shadow',
    '/api/size',
    '/api/state',
    '/api/strategy',
    '/api/stream',
    '/api/summary',
  ])
  for (const [path, methods] of paths) {
    if (path === '/api/stream') continue
    for (const method of Object.keys(methods)) {
      const { status } = await ask(path.replace('{id}', '99'), { method: method.toUpperCase() })
      expect([path, method === 'get' ? 200 : 400]).toEqual([path, status])
    }
  }
})

it('says what is wrong and what is allowed', async () => {
  const { post, ask } = await plane()
  const error = { code: 'INVALID_INPUT' }
  expect(await post('/api/size', { servers: 9 })).toMatchObject({
    status: 400,
    body: { ...error, hint: expect.stringMatching('at most 3') },
  })
  expect(await post('/api/size', { servers: '2' })).toMatchObject({ status: 400, body: error })
  expect(await post('/api/strategy', { strategy: 'best' })).toMatchObject({ status: 400, body: error })
  expect(await post('/api/policy', { kind: 'magic' })).toMatchObject({ status: 400, body: error })
  expect(await post('/api/load', { users: 5 })).toMatchObject({
    status: 400,
    body: { message: 'users: the load can be set only for virtual users' },
  })
  expect(await post('/api/servers/77/kill')).toMatchObject({ status: 400, body: { hint: '1' } })
  expect(await ask('/api/size', { method: 'POST', body: 'x'.repeat(70_000) })).toMatchObject({ status: 413 })
  expect(await ask('/api/size', { method: 'POST', body: 'nonsense' })).toMatchObject({ status: 400 })
  expect(await ask('/api/size')).toMatchObject({ status: 405, body: { hint: 'POST' } })
  expect((await ask('/api/nothing')).status).toBe(404)
  expect((await ask('/api/history?after=x')).status).toBe(400)
})

it('outlives a target that is not an address, and who goes in the middle of a request', async () => {
  const { url, ask } = await plane()
  const port = Number(new URL(url).port)
  const say = async (text: string, enough: (answer: string) => boolean) => {
    const socket = connect(port, '127.0.0.1')
    socket.write(text)
    let answer = ''
    for await (const chunk of socket) {
      answer += chunk
      if (enough(answer)) break
    }
    socket.destroy()
    return answer
  }
  expect(await say('GET // HTTP/1.1\r\nHost: localhost\r\n\r\n', () => true)).toMatch('404 Not Found')
  const half =
    'POST /api/size HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\nExpect: 100-continue\r\n\r\n'
  expect(await say(half, () => true)).toMatch('100 Continue')
  const tooLarge = half.replace('99', '999999') + ' '.repeat(70_000)
  const answer413 = await say(tooLarge, (answer) => answer.includes('}'))
  expect(answer413).toMatch('413 Payload Too Large')
  expect(answer413).toMatch('at most 65536 bytes')
  expect((await ask('/healthz')).status).toBe(200)
})

it('describes the options of each policy, the policy in force, and its numbers', async () => {
  const { ask, post } = await plane()
  const { body } = await ask('/api/policies')
  const kinds = body.$defs.Policy.oneOf as {
    properties: Record<string, { const?: string; default?: unknown }>
  }[]
  expect(kinds.map(({ properties }) => properties.kind!.const)).toEqual(POLICY_KINDS)
  expect(kinds[0]!.properties.scaleUpThreshold).toMatchObject({ type: 'number', default: 30 })
  const state = async () => (await ask('/api/state')).body
  await expect.poll(async () => (await state()).decision?.reason).toMatch(/^0 users on 1 server/)
  expect(await state()).toMatchObject({ policySpec: { kind: 'threshold' }, usersPerServer: 30 })
  const schedule = { kind: 'schedule', entries: [{ cron: '* * * * *', servers: 2 }] }
  expect((await post('/api/policy', schedule)).status).toBe(204)
  expect(await state()).toMatchObject({ policy: 'schedule', policySpec: schedule })
  expect(await state()).not.toHaveProperty('usersPerServer')
  await post('/api/policy', {
    kind: 'max',
    policies: [{ kind: 'threshold' }, { kind: 'hpa', target: 20 }, schedule],
  })
  expect(await state()).toMatchObject({ usersPerServer: 20 })
  await post('/api/policy', { kind: 'predictive', horizon: 0.2 })
  await expect.poll(async () => (await state()).forecast?.confidence).toBe(0.95)
  const history = async () =>
    (await ask('/api/history')).body as { fields: string[]; rows: (number | null)[][] }
  await expect.poll(async () => (await history()).rows.at(-1)?.[12]).toBeGreaterThan(0)
  const { fields, rows } = await history()
  const row = Object.fromEntries(fields.map((field, i) => [field, rows.at(-1)![i]]))
  expect(row).toMatchObject({ load: 0, usersPerServer: 30, expected: 0, shadowServers: null })
  expect(row.forecastTime! - row.time!).toBeLessThan(0.3)
})

it('acts on requests, and keeps each as an event', async () => {
  const { supervisor, post, ask } = await plane()
  expect((await post('/api/size', { servers: 2 })).status).toBe(204)
  expect(supervisor.fleet.desiredCount).toBe(2)
  expect((await ask('/api/state')).body).toMatchObject({ size: 2, paused: true, policy: 'threshold' })
  await post('/api/policy', { kind: 'queueing', usersPerServer: 10 })
  await post('/api/strategy', { strategy: 'power-of-two' })
  await post('/api/pause', { paused: false })
  expect((await ask('/api/state')).body).toMatchObject({
    paused: false,
    policy: 'queueing',
    strategy: 'power-of-two',
  })
  const events = (await ask('/api/events?after=1')).body as { number: number; text: string }[]
  expect(events.slice(0, 3).map(({ text }) => text)).toEqual([
    'the policy is queueing (users per server 10) now',
    'the balancing strategy is power-of-two now',
    'the autoscaler is resumed',
  ])
})

it('lets a policy decide in the shadow, and never act, until it is ended', async () => {
  const { supervisor, post, ask } = await plane()
  await post('/api/shadow', { policy: { kind: 'schedule', entries: [{ cron: '* * * * *', servers: 3 }] } })
  await expect
    .poll(async () => (await ask('/api/state')).body.shadow)
    .toEqual({ policy: 'schedule', servers: 3 })
  expect(supervisor.fleet.desiredCount).toBe(1)
  expect(await post('/api/shadow', { policy: { kind: 'magic' } })).toMatchObject({ status: 400 })
  await post('/api/shadow', { policy: null })
  expect((await ask('/api/state')).body.shadow).toBeUndefined()
  const texts = ((await ask('/api/events')).body as { text: string }[]).map(({ text }) => text)
  expect(texts.at(0)).toMatch(/^the shadow is schedule \(entries .*\) now$/)
  expect(texts.at(-1)).toBe('the shadow is ended')
})

it('a policy that is set by hand brings its own limits', async () => {
  const { supervisor, post } = await plane()
  const { autoScaler } = supervisor
  expect(autoScaler.limits.cooldown).toBe(0)
  await post('/api/policy', { kind: 'hpa' })
  expect(autoScaler.limits).toMatchObject({ cooldown: 0, minServers: 1, maxServers: 3 })
})

it('streams the state ten times a second, and each event once', async () => {
  const { url, post } = await plane()
  const stream = await fetch(`${url}api/stream`)
  const reader = stream.body!.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  const until = performance.now() + 1100
  setTimeout(() => void post('/api/pause', { paused: true }), 300)
  while (performance.now() < until) text += (await reader.read()).value
  await reader.cancel()
  const states = text.match(/^event: state$/gm)!.length
  expect(states).toBeGreaterThan(5)
  expect(states).toBeLessThanOrEqual(12)
  expect(text.match(/the autoscaler is paused/g)!.length).toBe(1)
})

it('asks for its token, and rejects pages and names from elsewhere', async () => {
  const token = 'a control token of some length'
  const open = await plane()
  expect((await open.ask('/api/state', { headers: { origin: 'https://evil.example' } })).status).toBe(403)
  await stop()
  const { ask } = await plane(token)
  expect((await ask('/api/state')).status).toBe(401)
  expect((await ask('/metrics')).status).toBe(401)
  expect((await ask('/api/state', { headers: { authorization: 'Bearer wrong' } })).status).toBe(401)
  const headers = { authorization: `Bearer ${token}` }
  expect((await ask('/api/state', { headers })).status).toBe(200)
  expect((await ask('/api/state', { headers: { ...headers, origin: 'https://evil.example' } })).status).toBe(
    403,
  )
  expect((await ask('/healthz')).status).toBe(200)
  expect((await ask('/')).body).toMatch('<title>Concertina</title>')
})

it('does not listen off loopback without a token', async () => {
  const autoScaler = new AutoScaler({ minServers: 1 })
  const supervisor = new Supervisor({ gateway: { port: 0 }, autoScaler }, createServer())
  stop = () => supervisor.close()
  const target = liveControl(supervisor, autoScaler)
  await expect(startControlPlane(target, { host: '0.0.0.0', port: 0 }, supervisor)).rejects.toMatchObject({
    code: 'INVALID_INPUT',
    hint: 'a controlToken with it',
  })
})
