import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { virtualClock } from '../../base/clock.ts'
import { providerChecks } from '../conformance.ts'
import type { ServerId, ServerRef } from '../provider.ts'
import { localProvider } from './local.ts'
import { simulatedProvider } from './simulated.ts'

const folder = mkdtempSync(join(tmpdir(), 'provider-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const module = join(folder, 'server.mjs')
writeFileSync(
  module,
  `process.on('message', (m) => {
    if (m.type === 'start') setTimeout(() => process.send({ type: 'ready' }), 50)
    if (m.type === 'leave') process.exit(0)
    if (m.type === 'crash') process.exit(3)
  })
  process.on('disconnect', () => process.exit(1))
  if (!process.argv.includes('silent')) setInterval(() => process.send({ type: 'report' }), 100)`,
)

const children = new Map<ServerRef, ChildProcess>()
const local = localProvider({
  module,
  execArgv: [],
  hangSeconds: 1,
  onFork: (_id: ServerId, child, ref) => {
    children.set(ref, child)
    child.send({ type: 'start' })
  },
  drain: (_, child) => void child.send({ type: 'leave' }),
  stop: (child) => void child.send({ type: 'leave' }),
})

const clock = virtualClock()
const PROVIDERS = [
  ['simulated', simulatedProvider(clock, { startupDelay: 1 }), () => clock.advanceTo(clock.now() + 0.5)],
  ['local', local, () => {}],
] as const

describe.each(PROVIDERS)('provider conformance: %s', (_, provider, advance) => {
  for (const { name, run } of providerChecks({ provider, advance })) it(name, run)
})

describe('the local provider', () => {
  it('reports why a server failed: killed, crashed, or hung and killed for it', async () => {
    const ready: ServerRef[] = []
    const failures: string[] = []
    const nothing = () => {}
    const provider = local({
      starting: () => 1,
      ready: (ref) => ready.push(ref),
      failed: (ref, reason) => failures.push(`${ready.indexOf(ref)} ${reason}`),
      draining: nothing,
      stopped: nothing,
      coming: nothing,
      problem: nothing,
      busyUntil: () => 0,
      users: () => 0,
    })
    provider.launch(3)
    await expect.poll(() => ready.length).toBe(3)
    children.get(ready[0]!)!.kill('SIGKILL')
    await expect.poll(() => failures).toEqual(['0 killed by SIGKILL'])
    children.get(ready[1]!)!.send({ type: 'crash' })
    await expect.poll(() => failures[1]).toBe('1 exited with status 3')
    children.get(ready[2]!)!.kill('SIGSTOP')
    await expect.poll(() => failures[2], { timeout: 5000 }).toBe('2 no heartbeat for 1 s')
    await provider.close()
  })
})
