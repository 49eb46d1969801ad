import { expect, it } from 'vitest'
import { KINDS, runChaos } from './runner.ts'

it('loses, doubles and reorders nothing while everything is killed', { timeout: 90_000 }, async () => {
  const { checks, events } = await runChaos({ seed: 1, seconds: 16, users: 40, every: 1.2 })
  const { findings, acked, delivered, ...rest } = checks
  expect(findings).toEqual([])
  expect(rest).toMatchObject({ lost: 0, doubled: 0, reordered: 0, phantom: 0, falseGaps: 0 })
  expect(acked).toBeGreaterThan(500)
  expect(delivered).toBeGreaterThan(acked)
  expect([...events.keys()].sort()).toEqual([...KINDS].sort())
})
