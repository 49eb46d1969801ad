import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { parse } from 'yaml'
import { configKeys } from '../src/cli/config/environment.ts'
import { runCli } from './run-cli.ts'

const folders: string[] = []
const before = { ...process.env }
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
  process.env = { ...before }
})

function configFile(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'config-'))
  folders.push(folder)
  const file = join(folder, 'config.yaml')
  writeFileSync(file, text)
  return file
}

const SECRET = 'a secret of at least 32 characters'

it('has a variable of its own for every key', () => {
  const variables = configKeys().map(({ variable }) => variable)
  expect(new Set(variables).size).toBe(variables.length)
  expect(variables).toEqual(
    expect.arrayContaining([
      'CONCERTINA_SEED',
      'CONCERTINA_AUTO_SCALER_POLICY',
      'CONCERTINA_LIVE_PORT',
      'CONCERTINA_LIVE_AUTH_JWKS_URL',
      'CONCERTINA_LIVE_LIMITS_MAX_CONNECTIONS',
      'CONCERTINA_LIVE_NAMESPACES',
    ]),
  )
})

it('takes variables before the file, prints what it read, and masks what is secret', async () => {
  const config = configFile(
    `live: { port: 1, host: 127.0.0.2, auth: { previousSecrets: ['${SECRET}'] }, apiKeys: [{ name: a, key: '${SECRET}' }] }`,
  )
  Object.assign(process.env, {
    CONCERTINA_LIVE_PORT: '9000',
    CONCERTINA_LIVE_ORIGINS: 'https://a.example, https://b.example',
    CONCERTINA_LIVE_AUTH_SECRET: `${SECRET}\n`,
    CONCERTINA_AUTO_SCALER_MAX_SERVERS: '7',
    CONCERTINA_LIVE_NAMESPACES: "{ 'news:': { publish: server } }",
    CONCERTINA_LIVE_WEBHOOKS: `[{ url: 'https://hooks.example/x', secret: '${SECRET}' }]`,
    CONCERTINA_SERVICE_HOST: '10.0.0.1', // as Kubernetes sets for a Service of that name
  })
  const { status, stdout, stderr } = await runCli(['serve', '--config', config, '--print-config'])
  expect([status, stderr]).toEqual([0, ''])
  expect(stdout).not.toContain(SECRET)
  expect(parse(stdout)).toEqual({
    autoScaler: { maxServers: 7 },
    live: {
      port: 9000,
      host: '127.0.0.2',
      origins: ['https://a.example', 'https://b.example'],
      auth: { secret: '***', previousSecrets: '***' },
      apiKeys: [{ name: 'a', key: '***' }],
      namespaces: { 'news:': { publish: 'server' } },
      webhooks: [{ url: 'https://hooks.example/x', secret: '***' }],
    },
  })
}, 30_000)

it.each([
  ['CONCERTINA_LIVE_PORT', 'many', /CONCERTINA_LIVE_PORT: live\.port: "?many"? is not allowed/],
  [
    'CONCERTINA_LIVE_REBALANCE_MOVES_PER_SECOND',
    '-1',
    /CONCERTINA_LIVE_REBALANCE_MOVES_PER_SECOND: live\.rebalance\.movesPerSecond: -1/,
  ],
  [
    'CONCERTINA_LIVE_NAMESPACES',
    '{ x: { publish: me } }',
    /CONCERTINA_LIVE_NAMESPACES: live\.namespaces\.x\.publish/,
  ],
  ['CONCERTINA_LIVE_WEBHOOKS', '[{', /CONCERTINA_LIVE_WEBHOOKS: .*is not YAML/],
  [
    'CONCERTINA_LIVE_WEBHOOKS',
    `[{ url: 'https://me:${SECRET}@hooks.example/x', secret: '${SECRET}' }]`,
    new RegExp(`live\\.webhooks\\.0\\.url: it has a user name in it\n(?![^]*${SECRET})`),
  ],
  ['CONCERTINA_AUTO_SCALER_MIN_SERVERS', '0.5', /minServers/],
  // What is secret is not repeated.
  ['CONCERTINA_LIVE_CONTROL_TOKEN', 'too-short', /live\.controlToken: it is not allowed\n/],
  [
    'CONCERTINA_LIVE_FLEETS',
    '[{ token: x',
    /^concertina: CONCERTINA_LIVE_FLEETS: it is not YAML: (?!.*token)/,
  ],
])(
  'names the variable %s that is wrong',
  async (variable, value, message) => {
    process.env[variable] = value
    const { status, stderr } = await runCli(['serve', '--anonymous', '--print-config'])
    expect([status, stderr]).toEqual([2, expect.stringMatching(message)])
  },
  30_000,
)

it.each([
  [
    'CONCERTINA_SECRET',
    'too-short',
    /^concertina: auth\.secret: it is not allowed\n {2}allowed: .*32 characters\n$/,
  ],
  [
    'CONCERTINA_LIVE_AUTH_PUBLIC_KEYS',
    '[no key]',
    /^concertina: publicKeys\[0\]: it is not a public key\n.*PEM/,
  ],
])(
  'says before a server is started that %s cannot be used',
  async (variable, value, message) => {
    process.env[variable] = value
    const { status, stdout, stderr } = await runCli(['serve', '--port', '0'])
    expect([status, stdout, stderr]).toEqual([2, '', expect.stringMatching(message)])
  },
  30_000,
)

it('says that a config is nested too deep in words of its own', async () => {
  const config = configFile(`seed: ${'['.repeat(20_000)}${']'.repeat(20_000)}`)
  const { status, stderr } = await runCli(['simulate', '--config', config])
  expect([status, stderr]).toEqual([2, expect.stringMatching(/config\.yaml:1:\d+: it is nested too deep\n/)])
})

it('names a key that is there twice, and reads a hundred thousand keys without a long wait', async () => {
  const twice = configFile('seed: 7\nserver:\n  capacity: 3\n  capacity: 4\n')
  const { status, stderr } = await runCli(['simulate', '--config', twice])
  expect([status, stderr]).toEqual([
    2,
    expect.stringMatching(/config\.yaml:4:3: capacity: it is there twice\n {2}allowed: each key once/),
  ])
  const many = configFile(Array.from({ length: 100_000 }, (_, i) => `key${i}: 1\n`).join(''))
  const unknown = await runCli(['simulate', '--config', many])
  expect([unknown.status, unknown.stderr]).toEqual([2, expect.stringMatching(/config\.yaml:1:1: key0: /)])
})

it('applies to every command that has a config', async () => {
  process.env.CONCERTINA_SEED = '7'
  process.env.CONCERTINA_DURATION = '20'
  const { stdout } = await runCli(['simulate', '--json'])
  expect(JSON.parse(stdout)).toMatchObject({ seed: 7 })
}, 30_000)
