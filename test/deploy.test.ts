import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { get } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { runCli, startCli } from './run-cli.ts'
import { freePort } from './support/ports.ts'
import { requireTool } from './support/tools.ts'

const folder = mkdtempSync(join(tmpdir(), 'deploy-'))
const children: ChildProcess[] = []
beforeAll(() => {
  const key = [
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-subj',
    '/CN=chat.example.com',
  ]
  const files = ['-keyout', join(folder, 'tls.key'), '-out', join(folder, 'tls.crt')]
  execFileSync('openssl', ['req', '-x509', ...key, ...files], { stdio: 'ignore' })
  const pem = ['tls.crt', 'tls.key'].map((name) => readFileSync(join(folder, name), 'utf8')).join('')
  writeFileSync(join(folder, 'tls.pem'), pem)
})
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null) continue
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGTERM')
    await gone
  }
}, 30_000)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** A fleet that listens on a port of its own. */
async function startFleet(): Promise<number> {
  const port = await freePort()
  const data = mkdtempSync(join(folder, 'data-'))
  const { child } = startCli([
    'serve',
    '--anonymous',
    '--port',
    `${port}`,
    '--control-port',
    '0',
    '--data',
    data,
  ])
  children.push(child)
  let output = ''
  child.stdout!.on('data', (chunk: Buffer) => {
    output += chunk
  })
  await expect.poll(() => output, { timeout: 30_000 }).toContain('Dashboard')
  return port
}

function httpsGet(port: number, path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path, rejectUnauthorized: false }, (response) => {
      response.resume()
      resolve(response.statusCode!)
    }).on('error', reject)
  })
}

/** A committed example with this machine's ports and certificates in place of its own. */
function example(path: string, from: readonly (readonly [string, string])[]): string {
  let text = readFileSync(new URL(`../deploy/${path}`, import.meta.url), 'utf8')
  for (const [before, after] of from) {
    expect(text).toContain(before)
    text = text.replaceAll(before, after)
  }
  return text
}

const BALANCERS = [
  {
    name: 'nginx',
    write: (tls: number, chat: number): [check: string[], run: string[]] => {
      const config = example('nginx/concertina.conf', [
        ['listen 443', `listen 127.0.0.1:${tls}`],
        ['127.0.0.1:8080', `127.0.0.1:${chat}`],
        ['/etc/concertina', folder],
      ])
      const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
        .map((each) => `${each}_temp_path ${folder}/${each};`)
        .join(' ')
      const main = `pid ${folder}/nginx.pid; error_log ${folder}/nginx.log; daemon off; events {}\n`
      writeFileSync(join(folder, 'nginx.conf'), `${main}http { access_log off; ${temporary}\n${config} }\n`)
      const args = ['-c', join(folder, 'nginx.conf'), '-e', join(folder, 'nginx.log')]
      return [['-t', ...args], args]
    },
  },
  {
    name: 'haproxy',
    write: (tls: number, chat: number): [check: string[], run: string[]] => {
      const config = example('haproxy/haproxy.cfg', [
        ['bind :443', `bind 127.0.0.1:${tls}`],
        ['127.0.0.1:8080', `127.0.0.1:${chat}`],
        ['/etc/concertina', folder],
      ])
      writeFileSync(join(folder, 'haproxy.cfg'), config)
      return [
        ['-c', '-f', join(folder, 'haproxy.cfg')],
        ['-db', '-f', join(folder, 'haproxy.cfg')],
      ]
    },
  },
]

describe.each(BALANCERS)('the TLS example for $name', ({ name, write }) => {
  const found = requireTool(spawnSync(name, ['-v']).status === 0, `the tests of deploy/ need ${name}`)

  it.skipIf(!found)('is valid, and leads users to the chat', { timeout: 90_000 }, async () => {
    const tls = await freePort()
    const [check, run] = write(tls, await startFleet())
    const checked = spawnSync(name, check, { encoding: 'utf8' })
    expect([checked.status, checked.stderr]).toEqual([0, expect.not.stringMatching(/warn|alert/i)])
    children.push(spawn(name, run, { stdio: 'ignore' }))
    await expect.poll(() => httpsGet(tls, '/readyz').catch(() => 0), { timeout: 20_000 }).toBe(200)
    const socket = new WebSocket(`wss://127.0.0.1:${tls}/chat`, { rejectUnauthorized: false })
    const welcome = new Promise((resolve, reject) => {
      socket.once('message', (data) => resolve(JSON.parse(String(data))))
      socket.once('error', reject)
    })
    socket.once('open', () => socket.send(JSON.stringify({ type: 'hello', version: 1, user: 'ann' })))
    expect(await welcome).toMatchObject({ type: 'welcome' })
    socket.close()
  })
})

it('the systemd units start commands that exist, with flags that they have', {
  timeout: 60_000,
}, async () => {
  const units = new URL('../deploy/systemd/', import.meta.url)
  for (const name of readdirSync(units)) {
    const unit = readFileSync(new URL(name, units), 'utf8')
    const [, command, flags] = /^ExecStart=\/usr\/bin\/concertina (\S+) (.*)$/m.exec(unit)!
    const { stdout } = await runCli([command!, '--help'])
    for (const [flag] of flags!.matchAll(/--[a-z-]+/g)) expect(stdout).toContain(`${flag} <`)
    for (const [, variable] of flags!.matchAll(/\$\{(\w+)\}/g))
      expect(unit).toContain(`Environment=${variable}=`)
  }
})
