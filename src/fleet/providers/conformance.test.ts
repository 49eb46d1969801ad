import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { virtualClock } from '../../base/clock.ts'
import type { ProviderFactory, ServerId } from '../provider.ts'
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

const children = new Map<ServerId, ChildProcess>()
const local = localProvider({
  module,
  execArgv: [],
  hangSeconds: 1,
  onFork: (id, child) => {
    children.set(id, child)
    child.send({ type: 'start' })
  },
  drain: (_, child) => void child.send({ type: 'leave' }),
  stop: (child) => void child.send({ type: 'leave' }),
})

/** A provider with what it reported; `until` waits for that many words. */
function start(factory: ProviderFactory, advance: () => void) {
  const words: string[] = []
  const provider = factory({
    ready: (id) => words.push(`${id} ready`),
    stopped: (id) => words.push(`${id} stopped`),
    failed: (id, reason) => words.push(`${id} failed: ${reason}`),
    busyUntil: () => 0,
  })
  const until = async (count: number) => {
    for (let i = 0; i < 500 && words.length < count; i++) {
      advance()
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    return words
  }
  return { provider, until, words }
}

const clock = virtualClock()
const PROVIDERS = [
  ['simulated', simulatedProvider(clock, { startupDelay: 1 }), () => clock.advanceTo(clock.now() + 0.5)],
  ['local', local, () => {}],
] as const

describe.each(PROVIDERS)('provider conformance: %s', (name, factory, advance) => {
  it('says its name, and returns from launch before the server is ready', async () => {
    const { provider, words, until } = start(factory, advance)
    expect(provider.name).toBe(name)
    provider.launch(1, false)
    expect(words).toEqual([])
    expect(await until(1)).toEqual(['1 ready'])
    await provider.close()
  })

  it('tells of each server once, and stops those that are drained', async () => {
    const { provider, until } = start(factory, advance)
    for (const id of [1, 2, 3]) provider.launch(id, false)
    expect([...(await until(3))].sort()).toEqual(['1 ready', '2 ready', '3 ready'])
    provider.drain(2)
    expect((await until(4))[3]).toBe('2 stopped')
    await provider.close()
    expect((await until(4)).length).toBe(4)
  })

  it('tells of a killed server that it failed', async () => {
    const { provider, until } = start(factory, advance)
    for (const id of [1, 2]) provider.launch(id, false)
    await until(2)
    provider.kill(1)
    expect((await until(3))[2]).toMatch(/^1 failed: killed/)
    await provider.close()
  })

  it('cancels one that still starts: it never becomes ready', async () => {
    const { provider, until } = start(factory, advance)
    provider.launch(1, false)
    provider.drain(1)
    const words = await until(1)
    expect(words.length).toBe(1)
    expect(words[0]).not.toContain('ready')
    await provider.close()
  })

  it('leaves nothing when it is closed, also of what still starts', async () => {
    const { provider, until, words } = start(factory, advance)
    provider.launch(1, false)
    await until(1)
    provider.launch(2, false)
    await provider.close()
    advance()
    expect(words).toEqual(['1 ready'])
  })
})

describe('the local provider', () => {
  it('tells why a server failed: killed, crashed, or hung and killed for it', async () => {
    const { provider, until } = start(local, () => {})
    for (const id of [1, 2, 3]) provider.launch(id, false)
    await until(3)
    children.get(1)!.kill('SIGKILL')
    expect((await until(4))[3]).toBe('1 failed: killed by SIGKILL')
    children.get(2)!.send({ type: 'crash' })
    expect((await until(5))[4]).toBe('2 failed: exited with status 3')
    children.get(3)!.kill('SIGSTOP')
    expect((await until(6))[5]).toBe('3 failed: gave no sign for 1 s')
    await provider.close()
  })
})
