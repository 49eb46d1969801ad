import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { providerOf } from './workload-providers.ts'

const folder = mkdtempSync(join(tmpdir(), 'concertina-'))
afterAll(() => rmSync(folder, { recursive: true }))
const kubeconfig = join(folder, 'config')
writeFileSync(
  kubeconfig,
  JSON.stringify({
    'current-context': 'test',
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    clusters: [{ name: 'test', cluster: { server: 'http://127.0.0.1:1' } }],
    users: [{ name: 'test', user: { token: 'test' } }],
  }),
)

it.each([
  { provider: 'kubernetes', deployment: 'chat', kubeconfig },
  { provider: 'aws', group: 'chat', region: 'eu-west-1' },
])('$provider takes from what a chat cluster knows what it needs', (flags) => {
  const hooks = {
    empty: async () => {},
    restore: () => {},
    serves: async () => true,
    publish: async () => {},
  }
  expect(providerOf(flags, hooks)).toBeTypeOf('function')
})
