import type { ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { signToken } from '../src/chat/auth/sign.ts'
import { ChatClient } from '../src/client/node.ts'
import { startCli } from './run-cli.ts'
import { RawUser } from './support/chat.ts'

let folder: string
const closers: (() => unknown)[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'reload-'))
})
afterEach(() => {
  for (const close of closers.splice(0).reverse()) close()
  rmSync(folder, { recursive: true, force: true })
})

const OLD = 'the old secret of at least 32 characters'
const NEW = 'the new secret of at least 32 characters'

interface Written {
  servers?: number
  auth?: object
  origins?: string[]
  port?: number
  more?: object
}

/** `serve` with a config file that is written again, and its log. */
async function serve(first: Written) {
  const file = join(folder, 'chat.yaml')
  const access = join(folder, 'access.log')
  const write = ({ servers = 1, auth = { secret: OLD }, origins = [], port = 0, more = {} }: Written) =>
    writeFileSync(
      file,
      JSON.stringify({
        autoScaler: { minServers: servers, maxServers: servers, cooldown: 0, interval: 0.2 },
        live: { port, controlPort: 0, data: join(folder, 'rooms'), auth, origins, ...more },
      }),
    )
  write(first)
  const args = ['serve', '--config', file, '--log-format', 'json', '--access-log', access]
  const { child, finished } = startCli(args)
  closers.push(() => child.kill('SIGKILL'))
  const lines: { message: string; port?: number; level: string; changed?: string[] }[] = []
  let rest = ''
  child.stdout!.on('data', (chunk) => {
    const texts = `${rest}${chunk}`.split('\n')
    rest = texts.pop()!
    for (const text of texts) lines.push(JSON.parse(text))
  })
  await expect
    .poll(() => lines.map(({ message }) => message).join('\n'), { timeout: 90_000 })
    .toMatch(/Dashboard/)
  const [chat, control] = lines.map(({ port }) => port)
  const reload = async () => {
    const before = lines.length
    child.kill('SIGUSR2')
    const done = () => lines.slice(before).find(({ message }) => /^Config (not )?reloaded/.test(message))
    await expect.poll(done, { timeout: 20_000 }).toBeDefined()
    return done()!
  }
  const servers = async () => {
    const metrics = await (await fetch(`http://127.0.0.1:${control}/metrics`)).text()
    return Number(/concertina_servers\{[^}]*state="ready"[^}]*\} (\d+)/.exec(metrics)?.[1])
  }
  const url = `ws://127.0.0.1:${chat}/chat`
  return { write, reload, servers, url, file, access, child: child as ChildProcess, finished }
}

const welcomed = async (url: string, token: string, origin?: string) => {
  const raw = new RawUser(url, origin === undefined ? {} : { origin })
  closers.push(() => raw.socket.terminate())
  await new Promise((resolve) => raw.socket.once('open', resolve).once('error', resolve))
  if (raw.socket.readyState !== raw.socket.OPEN) return 'rejected'
  raw.send({ type: 'hello', version: 1, token })
  await expect.poll(() => raw.closed?.code ?? raw.of('welcome').length, { timeout: 10_000 }).toBeTruthy()
  const outcome = raw.closed?.code ?? 'welcome'
  raw.socket.terminate()
  return outcome
}

describe('SIGUSR2', { timeout: 120_000 }, () => {
  it('reloads the config: what can change does, and the rest is named', async () => {
    const { write, reload, servers, url, access } = await serve({})
    const token = await signToken(OLD, { user: 'ann' })
    const ann = new ChatClient({ url, token })
    closers.push(() => ann.close())
    const broken: string[] = []
    ann.on('status', ({ state }) => state !== 'open' && broken.push(state))
    await ann.join('news:today')
    await ann.send('news:today', 'one')
    const fresh = await signToken(NEW, { user: 'bob' })
    const origin = 'https://chat.example'
    expect(await welcomed(url, fresh)).toBe(4401)
    expect(await welcomed(url, token, origin)).toBe('rejected')

    renameSync(access, `${access}.1`)
    write({
      servers: 2,
      auth: { secret: NEW, previousSecrets: [OLD] },
      origins: [origin],
      port: 4711,
      more: { namespaces: { 'news:': { publish: 'server' } }, limits: { maxRooms: 1 } },
    })
    expect(await reload()).toMatchObject({
      level: 'info',
      message: expect.stringMatching(/changed .*live\.origins.*; a restart is needed for live\.port$/),
      changed: expect.arrayContaining([
        'autoScaler.minServers',
        'autoScaler.maxServers',
        'live.auth.secret',
        'live.auth.previousSecrets',
        'live.limits.maxRooms',
      ]),
    })
    await expect.poll(() => welcomed(url, fresh, origin), { timeout: 20_000 }).toBe('welcome')
    expect(await welcomed(url, token)).toBe('welcome')
    await expect(ann.send('news:today', 'two')).rejects.toMatchObject({ code: 'forbidden' })
    await expect(ann.join('other')).rejects.toMatchObject({ code: 'too-many-rooms' })
    await expect.poll(servers, { timeout: 30_000 }).toBe(2)
    // A server that was started after it has it, too; who was connected stays so.
    for (let i = 0; i < 4; i++) expect(await welcomed(url, fresh, origin)).toBe('welcome')
    expect(broken).toEqual([])
    await expect
      .poll(() => existsSync(access) && readFileSync(access, 'utf8'), { timeout: 20_000 })
      .toMatch(/"bob"/)

    write({ servers: 2, auth: { secret: NEW }, origins: [origin], more: { limits: {} } })
    expect((await reload()).message).not.toMatch(/restart/)
    await expect.poll(() => welcomed(url, token), { timeout: 20_000 }).toBe(4401)
    await ann.send('news:today', 'three')
  })

  it('changes the rate of a user, in every server and over all of them', async () => {
    const limits = (messageBurst: number) => ({ limits: { messagesPerSecond: 0.001, messageBurst } })
    const { write, reload, servers, url } = await serve({ servers: 2, more: limits(3) })
    await expect.poll(servers, { timeout: 30_000 }).toBe(2)
    const token = await signToken(OLD, { user: 'ann' })
    const anns = await Promise.all([RawUser.hello(url, '', token), RawUser.hello(url, '', token)])
    for (const { socket } of anns) closers.push(() => socket.terminate())
    expect(new Set(anns.map((ann) => ann.of('welcome')[0]!.server)).size).toBe(2)
    for (const ann of anns) {
      ann.send({ type: 'join', room: 'r' })
      await ann.until('joined')
    }
    const acked = () => anns.map((ann) => ann.of('ack').length)
    const answered = () => anns.map((ann) => ann.of('ack').length + ann.of('rejected').length)
    let sent = 0
    const sendEach = async (count: number) => {
      for (let i = 0; i < count; i++, sent++)
        for (const ann of anns)
          ann.send({ type: 'send', room: 'r', id: `${ann.of('welcome')[0]!.server} ${sent}`, body: '' })
      await expect.poll(answered, { timeout: 20_000 }).toEqual([sent, sent])
    }
    const sum = ([a, b]: number[]) => a! + b!
    await sendEach(5)
    expect(sum(acked())).toBe(3)

    // More than the old rate allows a server, and more than it allows over both.
    write({ servers: 2, more: limits(90) })
    await reload()
    const before = acked()
    await expect
      .poll(
        async () => {
          await sendEach(1)
          return acked().every((count, i) => count >= before[i]! + 4)
        },
        { interval: 100, timeout: 20_000 },
      )
      .toBe(true)

    write({ servers: 2, more: limits(4) })
    await reload()
    const then = sum(acked())
    await sendEach(6)
    expect(sum(acked()) - then).toBe(4)
  })

  it('changes nothing when the file has a mistake, and says where', async () => {
    const { write, reload, servers, url, file, child, finished } = await serve({ servers: 1 })
    const token = await signToken(OLD, { user: 'ann' })
    writeFileSync(file, 'live:\n  limits: { maxRooms: many }\n')
    expect(await reload()).toMatchObject({
      level: 'error',
      message: expect.stringMatching(
        /^Config not reloaded, nothing was changed: .*chat\.yaml:2:\d+: live\.limits\.maxRooms/,
      ),
    })
    // What only the parts notice that use it is noticed before any of them has changed.
    write({ servers: 2, auth: { secret: NEW }, origins: ['not an origin'] })
    expect((await reload()).message).toMatch(/^Config not reloaded.*not an origin/)
    write({ servers: 2, auth: { publicKeys: ['no key'] } })
    expect((await reload()).message).toMatch(/^Config not reloaded.*publicKeys/)
    rmSync(file)
    expect((await reload()).message).toMatch(/^Config not reloaded.*chat\.yaml/)
    expect(await welcomed(url, token)).toBe('welcome')
    expect(await servers()).toBe(1)
    child.kill('SIGTERM')
    expect((await finished).status).toBe(0)
  })
})
