import { describe, expect, it } from 'vitest'
import { requireNats } from '../support/nats.ts'
import { CLUSTER_KINDS, runClusterChaos } from './cluster-runner.ts'

describe.skipIf(!requireNats())('a cluster of servers, controllers and NATS nodes', () => {
  it('loses, doubles and reorders nothing while all of them are killed, paused and cut off', async () => {
    const { checks, events, changes } = await runClusterChaos({
      seed: 1,
      seconds: 240,
      users: 30,
      every: 2,
      enough: (acked, events) => acked > 300 && events >= 16,
    })
    const { findings, acked, delivered, ...rest } = checks
    expect(findings).toEqual([])
    expect(changes.findings).toEqual([])
    expect(changes.made).toBeGreaterThan(50)
    expect(rest).toMatchObject({ lost: 0, doubled: 0, reordered: 0, phantom: 0, falseGaps: 0 })
    expect(acked).toBeGreaterThan(300)
    expect(delivered).toBeGreaterThan(acked)
    expect([...events.keys()].sort()).toEqual(CLUSTER_KINDS.toSorted())
  }, 300_000)
})
