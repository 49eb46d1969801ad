import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

const run = (file: string, ...args: string[]) =>
  promisify(execFile)(process.execPath, ['--import', 'tsx', `examples/${file}`, ...args], { timeout: 60_000 })

it('compares a policy of your own with slo and the floor', { timeout: 60_000 }, async () => {
  const { stdout } = await run('own-policy.ts')
  expect(stdout).toMatch(
    /^peak-hold +\d\.\d{3} % above capacity, \d\.\d\d × the floor\nslo +\d\.\d{3} % above capacity, 1\.0\d × the floor\n$/,
  )
})

it('runs a load and an operator of one’s own', { timeout: 60_000 }, async () => {
  const { stdout } = await run('flash-crowd.ts')
  expect(stdout).toMatch(/\d+ messages, p99 \d+ ms, by room: Map\(3\)/)
})

it('runs the demonstration with the flags of the Python one', { timeout: 60_000 }, async () => {
  const { stdout } = await run(
    'run-auto-scaling-chat.ts',
    '-d',
    '2',
    '-b',
    '5',
    '--peak-rate',
    '40',
    '--verbose',
  )
  expect(stdout).toMatch(
    /Simulation duration: 2s\n {3}Base load: 5 concurrent users\n {3}Peak load: 40 concurrent users/,
  )
  expect(stdout).toContain('📈 SCALE_UP: 3 servers (load: 40)')
  const wrong = run('run-auto-scaling-chat.ts', '--duration', '0')
  await expect(wrong).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/^duration: .*\n {2}allowed: /),
  })
  await expect(run('run-auto-scaling-chat.ts', '--speed', '2')).rejects.toMatchObject({ code: 2 })
})
