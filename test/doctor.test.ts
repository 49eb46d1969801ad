import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { runCli } from './run-cli.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'doctor-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const PORTS = ['--port', '0', '--control-port', '0']

it('finds a machine that can run a fleet, and leaves nothing behind', async () => {
  const { status, stdout } = await runCli(['doctor', ...PORTS, '--data', join(folder, 'not/yet')])
  expect(stdout).toMatch(/^ok +Node\.js +\d+\.\d+\.\d+, \d+ cores$/m)
  expect(stdout).toMatch(/^ok +folder lock +held by the operating system$/m)
  expect(stdout).toMatch(/^(ok|warn) +disk +a message is on it in [\d.]+ ms$/m)
  expect(stdout).not.toMatch(/^fail/m)
  expect(status).toBe(0)
  expect(readdirSync(folder)).toEqual([])
})

it('says what prevents it, with status 1', async () => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  const { port } = taken.address() as AddressInfo
  writeFileSync(join(folder, 'file'), '')
  const args = ['--port', String(port), '--control-port', '0', '--data', join(folder, 'file')]
  const { status, stdout } = await runCli(['doctor', ...args])
  taken.close()
  expect(stdout).toMatch(new RegExp(`^fail +chat port +127\\.0\\.0\\.1:${port}: cannot listen there`, 'm'))
  expect(stdout).toMatch(/^fail +data folder +.*file: /m)
  expect(status).toBe(1)
})
