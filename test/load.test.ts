import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import type { ChatOptions } from '../src/chat/options.ts'
import { notFound } from '../src/live/control-http.ts'
import { Supervisor } from '../src/live/supervisor.ts'
import { AutoScaler } from '../src/scaling/auto-scaler.ts'
import { runCli } from './run-cli.ts'

const SECRET = 'a secret of more than thirty-two characters'
const folder = mkdtempSync(join(tmpdir(), 'load-'))
const running: Supervisor[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map((supervisor) => supervisor.close()))
  rmSync(folder, { recursive: true, force: true })
})

async function chat(options: ChatOptions, gateway = {}): Promise<string> {
  const supervisor = new Supervisor(
    {
      gateway: { port: 0, ...gateway },
      chat: options,
      autoScaler: new AutoScaler({ minServers: 1, maxServers: 1 }),
      data: join(folder, String(running.length)),
    },
    createServer(notFound),
  )
  running.push(supervisor)
  return `ws://127.0.0.1:${await supervisor.start()}/chat`
}

const load = (url: string, ...more: string[]) =>
  runCli(['load', '--url', url, '--duration', '3', '--base-rate', '3', '--peak-rate', '6', '--json', ...more])

describe('load', { timeout: 60_000 }, () => {
  it('finds nothing wrong where the chat names its users otherwise, nor does verify', async () => {
    const url = await chat({ auth: { secret: SECRET, anonymous: true } })
    const history = join(folder, 'history.jsonl')
    const { status, stdout, stderr } = await load(url, '--history', history)
    expect([status, stderr]).toEqual([0, ''])
    const { checks, acked, sent, joined, users } = JSON.parse(stdout)
    expect(checks).toMatchObject({ lost: 0, phantom: 0, doubled: 0, findings: [] })
    expect([acked, joined]).toEqual([sent, users])
    expect(sent).toBeGreaterThan(0)
    await Promise.all(running.splice(0).map((supervisor) => supervisor.close()))
    const verified = await runCli(['verify', '--history', history, '--data', join(folder, '0'), '--json'])
    expect([verified.status, JSON.parse(verified.stdout).phantom]).toEqual([0, 0])
  })

  it.each([
    ['needs a token', { auth: { secret: SECRET } }, {}, /connection: .*a token is needed/],
    ['is not there', undefined, {}, /connection: .*ECONNREFUSED/],
    [
      'has no room',
      { limits: { maxConnections: 1 } },
      { connectionBurst: 1, connectionsPerSecond: 0.01 },
      /429/,
    ],
  ] as [string, ChatOptions | undefined, object, RegExp][])(
    'fails, and says what was rejected and why, where the chat %s',
    async (_, options, gateway, why) => {
      const url = options ? await chat(options, gateway) : 'ws://127.0.0.1:1/chat'
      if (options?.limits) await fetch(url.replace('ws:', 'http:')) // uses up the one connection of this address
      const { status, stdout, stderr } = await load(url)
      expect(stderr).toMatch(/none of \d+ users could join the chat\n {2}\d+ × /)
      expect(stderr).toMatch(why)
      expect(stderr).toMatch(/\n {2}allowed: /)
      expect(status).toBe(1)
      expect(JSON.parse(stdout)).toMatchObject({ joined: 0, acked: 0 })
    },
  )
})
