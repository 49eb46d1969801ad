import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateKeyPair, SignJWT } from 'jose'
import { afterEach, expect, it } from 'vitest'
import { listen } from '../src/http/listen.ts'
import { RawUser } from './support/chat.ts'
import { type ClusterProcess, startLogging } from './support/cluster.ts'
import { requireNats, startNats } from './support/nats.ts'

const open: (() => unknown)[] = []
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

/** A config whose issuer answers that something is wrong. */
async function configFile(): Promise<string> {
  const issuer = createServer((_, response) => void response.writeHead(500).end())
  open.push(() => issuer.close())
  const port = await listen(issuer, '127.0.0.1', 0)
  const folder = mkdtempSync(join(tmpdir(), 'key-set-'))
  open.push(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'chat.yaml')
  const auth = { jwksUrl: `http://127.0.0.1:${port}/keys?of=me` }
  const live = { auth, data: join(folder, 'rooms') }
  writeFileSync(file, JSON.stringify({ autoScaler: { minServers: 2 }, live }))
  return file
}

function run(args: readonly string[]): ClusterProcess {
  const started = startLogging([...args, '--log-format', 'json'])
  open.push(() => started.child.kill('SIGKILL'))
  return started
}

const warnings = ({ lines }: ClusterProcess) => lines.filter(({ level }) => level === 'warn')

/** Users whose tokens cannot be verified for want of the key: they may come again. */
async function usersAreAskedToRetry(url: string): Promise<void> {
  const { privateKey } = await generateKeyPair('RS256')
  const token = await new SignJWT({ sub: 'ann', exp: Math.floor(Date.now() / 1000) + 600 })
    .setProtectedHeader({ alg: 'RS256', kid: 'one' })
    .sign(privateKey)
  for (let i = 0; i < 4; i++) {
    const user = new RawUser(url)
    open.push(() => user.socket.terminate())
    await new Promise((resolve, reject) => user.socket.once('open', resolve).once('error', reject))
    user.send({ type: 'hello', version: 1, token })
    await expect.poll(() => user.closed?.code, { timeout: 20_000 }).toBe(1013)
  }
}

const failed = async (port: unknown, metric: string) =>
  Number(
    new RegExp(`^${metric} (\\d+)$`, 'm').exec(
      await (await fetch(`http://127.0.0.1:${port}/metrics`)).text(),
    )?.[1],
  )

const MESSAGE =
  /^The keys of http:\/\/127\.0\.0\.1:\d+\/keys cannot be fetched \(status 500\); tokens that they would verify are rejected for now$/

it('says once, for all servers of serve, why the keys of an issuer cannot be fetched, and counts it', async () => {
  const started = run(['serve', '--config', await configFile(), '--port', '0', '--control-port', '0'])
  await started.line(({ message }) => /^Dashboard/.test(String(message)))
  const [chat, control] = started.lines.map(({ port }) => port)
  await usersAreAskedToRetry(`ws://127.0.0.1:${chat}/chat`)
  await expect
    .poll(() => warnings(started), { timeout: 20_000 })
    .toMatchObject([{ message: expect.stringMatching(MESSAGE) }])
  await expect
    .poll(() => failed(control, 'concertina_key_fetches_failed_total'), { timeout: 20_000 })
    .toBeGreaterThan(0)
  expect(warnings(started)).toHaveLength(1)
}, 120_000)

it.skipIf(!requireNats())(
  'says it in a cluster, too',
  async () => {
    const broker = await startNats()
    open.push(() => broker.close())
    const started = run(['server', '--broker', broker.url, '--config', await configFile(), '--port', '0'])
    const { url } = await started.line(({ url }) => url !== undefined)
    await usersAreAskedToRetry(String(url))
    expect(warnings(started)).toMatchObject([{ message: expect.stringMatching(MESSAGE) }])
    const { port } = new URL(String(url))
    expect(await failed(port, 'concertina_node_key_fetches_failed_total')).toBeGreaterThan(0)
  },
  120_000,
)
