import { describe, expect, it } from 'vitest'
import type { Decision } from '../pipeline/items.ts'
import { AutoScaler } from './auto-scaler.ts'
import { hpaPolicy } from './policies/hpa/hpa.ts'
import { queueingPolicy } from './policies/queueing.ts'
import { thresholdPolicy } from './policies/threshold.ts'
import { ShadowPolicy } from './shadow.ts'
import type { Observation } from './types.ts'

/** A fleet of `size` servers that stood at the start, each with that CPU. */
function fleet(time: number, load: number | undefined, size: number, cpu?: number): Observation {
  const servers = Array.from({ length: size }, (_, i) => ({
    id: i + 1,
    state: 'ready' as const,
    users: (load ?? Number.NaN) / size,
    launchedAt: -10,
    readyAt: 0,
    ...(cpu !== undefined && { cpu }),
  }))
  return { time, load, desiredCount: size, servers }
}
const limits = { minServers: 1, maxServers: 20, cooldown: 0 }

describe('a shadow', () => {
  it('decides on a fleet of its own, which follows its decisions and not those of the fleet it watches', () => {
    const shadow = new ShadowPolicy(thresholdPolicy({ scaleUpThreshold: 10, scaleDownThreshold: 2 }), limits)
    // The real fleet has five servers and stays so: 12 users a server on its own five, then 10 on six.
    const sizes = [0, 10, 20, 30].map((time) => shadow.decide(fleet(time, 60, 5)).to)
    expect(sizes).toEqual([6, 6, 6, 6])
    expect(shadow.decide(fleet(40, 140, 5))).toMatchObject({ from: 6, to: 7, shadow: true })
    expect(shadow.size).toBe(7)
  })

  it('shares the figures of the real servers out among its own, once they have started', () => {
    const policy = hpaPolicy({ metric: 'cpu', target: 0.5, scaleDown: { stabilizationWindow: 0 } })
    const shadow = new ShadowPolicy(policy, limits)
    // Four at 0.9 are 3.6 cores: eight servers at the target of 0.5.
    expect(shadow.decide(fleet(0, 100, 4, 0.9)).to).toBe(8)
    // The real servers took 10 s to start, so its new ones do too: until then there are four.
    expect(shadow.decide(fleet(9, 100, 4, 0.9)).ready).toBe(4)
    const later = shadow.decide(fleet(10, 100, 4, 0.9))
    expect(later).toMatchObject({ ready: 8, to: 8 })
    // The real fleet halves, its servers work twice as hard: nothing changes for the shadow.
    expect(shadow.decide(fleet(20, 100, 2, 1.8)).to).toBe(8)
  })

  it('removes nothing while the figures are missing', () => {
    const shadow = new ShadowPolicy(queueingPolicy(), limits)
    expect(shadow.decide(fleet(0, undefined, 5))).toMatchObject({ to: 5, limitedBy: undefined })
    expect(new ShadowPolicy(hpaPolicy({ metric: 'cpu' }), limits).decide(fleet(0, 5, 5)).to).toBe(5)
  })

  it('keeps to the limits of the fleet', () => {
    const shadow = new ShadowPolicy(queueingPolicy({ usersPerServer: 1 }), { ...limits, maxServers: 7 })
    expect(shadow.decide(fleet(0, 1000, 5))).toMatchObject({ to: 7, desired: 1032, limitedBy: 'max' })
  })
})

it('an autoscaler reports each decision and that of its shadow, and acts by its own only', async () => {
  const { runSimulation } = await import('../simulation/run.ts')
  const { constant } = await import('../traffic/patterns/constant.ts')
  const decisions: Decision[] = []
  const result = await runSimulation({
    pattern: constant({ users: 40, duration: 10 }),
    autoScaler: new AutoScaler({
      minServers: 2,
      scaleUpThreshold: 30,
      shadow: queueingPolicy({ usersPerServer: 8, beta: 0 }),
      onDecision: (decision) => decisions.push(decision),
    }),
  })
  expect(result.scalingEvents).toEqual([])
  const beside = decisions.filter(({ shadow }) => shadow)
  expect(decisions.length).toBe(2 * beside.length)
  expect(beside[0]).toMatchObject({ policy: 'queueing', from: 2, to: 5 })
  expect(decisions.find(({ shadow }) => !shadow)).toMatchObject({ policy: 'threshold', to: 2, ready: 2 })
})
