import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { signToken } from '../src/chat/auth/sign.ts'
import { ChatClient } from '../src/client/node.ts'
import { RawUser } from './support/chat.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const { resolve } = createRequire(import.meta.url)

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

/**
 * What a server file sees of Next.js, which is too large to install for a test: `prepare`, a request handler that takes what is
 * left, and an upgrade listener that it adds to the server with the first request and that leaves other paths alone.
 */
const NEXT = `
export default () => {
  let listens = false
  return {
    prepare: async () => {},
    close: async () => {},
    getRequestHandler: () => async (request, response) => {
      if (!listens) request.socket.server.on('upgrade', (upgrade, socket) => {
        if (upgrade.url === '/_next/webpack-hmr') socket.end('HTTP/1.1 200 OK\\r\\n\\r\\n')
      })
      listens = true
      response.end('<p>a page of the app</p>')
    },
  }
}
`

/** Starts one of the examples as a user has it: in a folder of its own, with its packages in `node_modules`. */
async function start(framework: string) {
  expect(existsSync(join(ROOT, 'dist/index.js')), 'npm run build comes first').toBe(true)
  const folder = mkdtempSync(join(tmpdir(), 'chat-in-an-app-'))
  closers.push(() => rmSync(folder, { recursive: true, force: true }))
  cpSync(join(ROOT, 'examples/chat-in-an-app'), folder, { recursive: true })
  const packages = join(folder, 'node_modules')
  mkdirSync(join(packages, 'next'), { recursive: true })
  symlinkSync(ROOT, join(packages, 'concertina'))
  if (framework === 'next') {
    writeFileSync(join(packages, 'next/package.json'), '{"type":"module","exports":"./index.js"}')
    writeFileSync(join(packages, 'next/index.js'), NEXT)
  } else {
    symlinkSync(dirname(resolve(`${framework}/package.json`)), join(packages, framework))
  }
  const child = spawn(process.execPath, [`${framework}.mjs`], {
    cwd: folder,
    env: { ...process.env, PORT: '0', CHAT_DATA: join(folder, 'data') },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  closers.push(() => child.kill('SIGKILL'))
  const lines = createInterface({ input: child.stdout })
  const [line] = (await once(lines, 'line')) as [string]
  return { app: `127.0.0.1:${/^listening on (\d+)$/.exec(line)![1]}`, child }
}

describe.each(['express', 'fastify', 'next'])('chat in an app: %s', (framework) => {
  it('has users with the app’s own tokens, a backend that posts, and a moderator who deletes', {
    timeout: 60_000,
  }, async () => {
    const { app, child } = await start(framework)
    const ask = (method: string, path: string, user?: string) =>
      fetch(`http://${app}${path}`, { method, headers: user === undefined ? {} : { 'x-user': user } })
    expect((await ask('POST', '/token')).status).toBe(401)
    const user = async (name: string) => {
      const client = new ChatClient({
        url: `ws://${app}/chat`,
        token: async () => (await ask('POST', '/token', name)).text(),
      })
      closers.push(() => client.close())
      await client.join('orders')
      return client
    }
    const [ann, eve] = await Promise.all([user('ann'), user('eve')])
    const seen: string[] = []
    ann.on('message', ({ user: from, body, deletes }) => seen.push(`${from}: ${deletes ?? body}`))
    await expect(ann.join('another room')).rejects.toMatchObject({ code: 'forbidden' })
    // Paid twice, posted once.
    for (let i = 0; i < 2; i++)
      expect(await (await ask('POST', '/orders/17/paid')).json()).toEqual({ seq: 1 })
    const { seq } = await eve.send('orders', 'buy now')
    expect((await ask('DELETE', `/rooms/orders/messages/${seq}`, 'eve')).status).toBe(403)
    expect((await ask('DELETE', `/rooms/orders/messages/${seq}`, 'mona')).status).toBe(204)
    await expect.poll(() => seen).toEqual(['$server: order 17 was paid', 'eve: buy now', `$server: ${seq}`])
    // The app's own pages, and tokens of others.
    expect((await ask('GET', '/')).status).toBe(framework === 'next' ? 200 : 404)
    const stranger = new RawUser(`ws://${app}/chat`)
    await once(stranger.socket, 'open')
    stranger.send({
      type: 'hello',
      id: 'h',
      version: 1,
      token: await signToken('x'.repeat(32), { user: 'mona' }),
    })
    expect((await stranger.untilClosed()).code).toBe(4401)
    const ended = once(child, 'exit')
    child.kill('SIGTERM')
    expect(await ended).toEqual([0, null])
  })
})
