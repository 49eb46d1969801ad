import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { listen } from '../http/listen.ts'
import type { FleetSummary } from './fleet-summary.ts'
import { OtherFleet, otherFleetOptions } from './other-fleet.ts'

const token = 'a control token of some length'
const summary: FleetSummary = {
  users: 12,
  ready: 2,
  size: 3,
  minServers: 1,
  maxServers: 9,
  policy: 'threshold',
  paused: false,
  messagesPerSecond: 1.5,
  p99Ms: 20,
  alerts: [{ name: 'ConcertinaSlow' }],
}

const ends: (() => void)[] = []
afterEach(() => {
  for (const end of ends.splice(0)) end()
})

async function answering(listener: RequestListener): Promise<{ url: string; asked: IncomingMessage[] }> {
  const asked: IncomingMessage[] = []
  const server = createServer((request, response) => {
    asked.push(request)
    listener(request, response)
  })
  const port = await listen(server, '127.0.0.1', 0)
  ends.push(() => {
    server.close()
    server.closeAllConnections()
  })
  return { url: `http://127.0.0.1:${port}/under/a/path`, asked }
}

const answer =
  (status: number, body: string): RequestListener =>
  (_, response) =>
    response.writeHead(status).end(body)

it('asks for the summary under its token, once for all who ask at a time', async () => {
  const { url, asked } = await answering(answer(200, JSON.stringify(summary)))
  const fleet = new OtherFleet({ name: 'eu', url, token, dashboard: 'https://eu.example.org/' })
  expect(fleet.status).toEqual({ name: 'eu', dashboard: 'https://eu.example.org/' })
  await Promise.all([fleet.poll(), fleet.poll()])
  await fleet.poll()
  expect(fleet.status).toMatchObject({ name: 'eu', summary, seenMs: expect.any(Number) })
  expect(JSON.stringify(fleet.status)).not.toContain(token)
  expect(asked.map(({ url, headers }) => [url, headers.authorization])).toEqual([
    ['/under/a/path/api/summary', `Bearer ${token}`],
  ])
})

it.each([
  [401, '{}', { kind: 'token', detail: 'HTTP 401' }],
  [429, '{}', { kind: 'token', detail: 'HTTP 429' }],
  [503, 'standby: the leader is not known\n', { kind: 'standby' }],
  [302, '', { kind: 'answer', detail: 'HTTP 302' }],
  [200, 'hello', { kind: 'answer', detail: 'no summary' }],
  [200, '{"users":"many"}', { kind: 'answer', detail: 'no summary' }],
  [200, JSON.stringify({ ...summary, policy: 'x'.repeat(501) }), { kind: 'answer', detail: 'no summary' }],
  [200, ' '.repeat(70_000), { kind: 'answer', detail: 'no summary' }],
] as const)('says what is wrong with status %i and %s', async (status, body, problem) => {
  const { url } = await answering((_, response) =>
    response.writeHead(status, { location: 'http://127.0.0.1:1/' }).end(body),
  )
  const fleet = new OtherFleet({ name: 'eu', url })
  await fleet.poll()
  expect(fleet.status).toEqual({ name: 'eu', dashboard: url, problem })
})

it('keeps the last figures of a fleet that is gone', async () => {
  const { url } = await answering(answer(200, JSON.stringify(summary)))
  const fleet = new OtherFleet({ name: 'eu', url })
  await fleet.poll()
  for (const end of ends.splice(0)) end()
  await expect
    .poll(async () => {
      await fleet.poll()
      return fleet.status
    })
    .toMatchObject({ summary, problem: { kind: 'unreachable', detail: 'ECONNREFUSED' } })
})

it('does not wait for ever', async () => {
  const { url } = await answering(() => {})
  const fleet = new OtherFleet({ name: 'eu', url })
  await fleet.poll()
  expect(fleet.status.problem).toEqual({ kind: 'late' })
})

it('reads the file of its token whenever it asks', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'other-fleet-'))
  ends.push(() => rmSync(folder, { recursive: true }))
  const tokenFile = join(folder, 'token')
  const { url, asked } = await answering(answer(200, JSON.stringify(summary)))
  const missing = new OtherFleet({ name: 'eu', url, tokenFile })
  await missing.poll()
  expect(missing.status.problem).toEqual({ kind: 'token', detail: 'ENOENT' })
  expect(asked).toEqual([])
  writeFileSync(tokenFile, `${token}\n`)
  const fleet = new OtherFleet({ name: 'eu', url, tokenFile })
  await fleet.poll()
  expect(asked[0]!.headers.authorization).toBe(`Bearer ${token}`)
})

it('rejects addresses that it could not ask, or that hold a password', () => {
  const parse = (url: string) => otherFleetOptions.parse({ name: 'eu', url })
  for (const url of ['eu.example.org', 'ftp://eu.example.org', 'http://ann:secret@eu.example.org'])
    expect(() => parse(url)).toThrow(/^url: /)
  expect(() => parse('http://ann:secret@eu.example.org')).not.toThrow(/secret/)
})
