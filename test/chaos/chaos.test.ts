import { expect, it } from 'vitest'
import { KINDS, runChaos } from './runner.ts'

it('loses, doubles and reorders nothing while everything is killed', { timeout: 180_000 }, async () => {
  const { checks, events, changes } = await runChaos({
    seed: 1,
    seconds: 150,
    users: 40,
    every: 1,
    enough: (acked, events) => acked > 500 && events >= 20,
  })
  const { findings, acked, delivered, ...rest } = checks
  expect(findings).toEqual([])
  expect(changes.findings).toEqual([])
  expect(changes.made).toBeGreaterThan(50)
  expect(rest).toMatchObject({ lost: 0, doubled: 0, reordered: 0, phantom: 0, falseGaps: 0 })
  expect(acked).toBeGreaterThan(500)
  expect(delivered).toBeGreaterThan(acked)
  const kinds = KINDS.filter((kind) => kind !== 'disk-full' || events.has(kind)) // where a disk may be mounted
  expect([...events.keys()].sort()).toEqual(kinds.toSorted())
})
