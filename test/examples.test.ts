import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

const run = (file: string) =>
  promisify(execFile)(process.execPath, ['--import', 'tsx', `examples/${file}`], { timeout: 60_000 })

it('judges a policy of one’s own beside slo and the floor', { timeout: 60_000 }, async () => {
  const { stdout } = await run('own-policy.ts')
  expect(stdout).toMatch(
    /^peak-hold +\d\.\d{3} % above capacity, \d\.\d\d × the floor\nslo +\d\.\d{3} % above capacity, 1\.0\d × the floor\n$/,
  )
})

it('runs a load and an operator of one’s own', { timeout: 60_000 }, async () => {
  const { stdout } = await run('flash-crowd.ts')
  expect(stdout).toMatch(/\d+ messages, p99 \d+ ms, by room: Map\(3\)/)
})
