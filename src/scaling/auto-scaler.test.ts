import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AutoScaler } from './auto-scaler.ts'
import { maxPolicy } from './policies/composite/max.ts'
import { createPolicy } from './policies.ts'
import type { Observation, Recommendation } from './types.ts'

const seen = (time: number, load: number | undefined, size: number): Observation => ({
  time,
  load,
  desiredCount: size,
  servers: [],
})

describe('AutoScaler', () => {
  it('has the documented defaults', () => {
    const scaler = new AutoScaler()
    expect(scaler.limits).toMatchObject({ minServers: 2, maxServers: 10, cooldown: 5 })
    expect(scaler.decide(seen(0, 60, 2)).action).toBe('none') // 30 a server is not above 30
    expect(scaler.decide(seen(1, 61, 2))).toMatchObject({ action: 'scale_up', from: 2, to: 3 })
    expect(scaler.decide(seen(10, 30, 3)).action).toBe('none') // 10 a server is not below 10
    expect(scaler.decide(seen(11, 29, 3))).toMatchObject({ action: 'scale_down', from: 3, to: 2 })
  })

  it('gives its reason with the numbers in it', () => {
    const decision = new AutoScaler({ scaleUpThreshold: 15 }).decide(seen(6, 35, 2))
    expect(decision.reason).toBe(
      '35 users on 2 servers are 17.5 a server, above the scale-up threshold of 15',
    )
    expect(decision.numbers).toEqual({ usersPerServer: 17.5, scaleUpThreshold: 15, scaleDownThreshold: 10 })
  })

  it('waits out the cooldown exactly and says so', () => {
    const scaler = new AutoScaler()
    expect(scaler.decide(seen(1, 100, 2)).to).toBe(3)
    expect(scaler.decide(seen(5, 100, 3))).toMatchObject({ to: 3, desired: 4, limitedBy: 'cooldown' })
    expect(scaler.decide(seen(6, 100, 3)).to).toBe(4)
  })

  it('never scales in on a missing load', () => {
    const toOne = { name: 'one', evaluate: () => ({ servers: 1, reason: 'one is enough' }) }
    const scaler = new AutoScaler({ policy: toOne, minServers: 1 })
    expect(scaler.decide(seen(0, undefined, 5))).toMatchObject({
      action: 'none',
      limitedBy: 'missing-metrics',
    })
    expect(scaler.decide(seen(1, 3, 5)).to).toBe(1)
  })

  it('scales in only to what was desired throughout the stabilization window', () => {
    const wanting = {
      name: 'load',
      evaluate: (o: Observation) => ({ servers: o.load!, reason: 'as many as users' }),
    }
    const scaler = new AutoScaler({ policy: wanting, cooldown: 0, minServers: 1, scaleDownStabilization: 10 })
    expect(scaler.decide(seen(0, 8, 8)).to).toBe(8)
    expect(scaler.decide(seen(5, 3, 8))).toMatchObject({ to: 8, limitedBy: 'stabilization' })
    expect(scaler.decide(seen(10.1, 2, 8)).to).toBe(3)
  })

  it('does not scale in at once after a restart: the size it finds counts as desired then', () => {
    const few = { name: 'few', evaluate: () => ({ servers: 3, reason: 'three' }) }
    const scaler = new AutoScaler({ policy: few, cooldown: 0, minServers: 1, scaleDownStabilization: 10 })
    expect(scaler.decide(seen(0, 1, 8))).toMatchObject({ to: 8, limitedBy: 'stabilization' })
    expect(scaler.decide(seen(10.1, 1, 8)).to).toBe(3)
  })

  it('takes any number for an answer: a part of a server is a whole one, and no number changes nothing', () => {
    const answers = [2.5, 3.0000000001, Number.NaN, Infinity, -Infinity]
    const policy = { name: 'any', evaluate: () => ({ servers: answers.shift()!, reason: 'so' }) }
    const scaler = new AutoScaler({ policy, cooldown: 0, minServers: 1, maxServers: 9 })
    const decided = [0, 1, 2, 3, 4].map((time) => scaler.decide(seen(time, 10, 3)))
    expect(decided.map(({ to }) => to)).toEqual([3, 3, 3, 9, 1])
    expect(decided[2]).toMatchObject({ action: 'none', desired: 3, limitedBy: 'missing-metrics' })
  })

  it('passes on of what a policy says only what can be written down', () => {
    const circle: Record<string, unknown> = { load: 3 }
    circle.circle = circle
    const numbers = [
      circle,
      { load: 3, exact: 3n },
      { load: 3, toJSON: () => circle },
      { load: 3, text: '3' },
    ]
    for (const said of numbers) {
      const more = { numbers: said, forecast: circle } as unknown as Partial<Recommendation>
      const policy = { name: 'any', evaluate: () => ({ servers: 2, reason: 'r'.repeat(1e6), ...more }) }
      const decision = new AutoScaler({ policy }).decide(seen(0, 10, 1))
      expect(JSON.parse(JSON.stringify(decision))).toMatchObject({ to: 2, numbers: { load: 3 } })
      expect([decision.forecast, decision.reason.length]).toEqual([undefined, 4000])
    }
  })

  it('rejects a policy that decides later, and leaves nothing of it behind, wherever it is asked', async () => {
    const unhandled: unknown[] = []
    const note = (error: unknown) => unhandled.push(error)
    process.on('unhandledRejection', note)
    const evaluate = (async () => {
      throw new Error('later')
    }) as unknown as () => Recommendation
    const policy = { name: 'later', evaluate }
    const paused = new AutoScaler({ policy })
    paused.policy.paused = true
    const scalers = [new AutoScaler({ policy }), paused, new AutoScaler({ policy: maxPolicy([policy]) })]
    for (const scaler of scalers)
      expect(() => scaler.decide(seen(0, 10, 1))).toThrow('evaluate() returned a promise')
    await new Promise((resolve) => setTimeout(resolve, 10))
    process.off('unhandledRejection', note)
    expect(unhandled).toEqual([])
  })

  it('lets the other members of a combined policy decide when one says no number', () => {
    const none = { name: 'none', evaluate: () => ({ servers: Number.NaN, reason: 'unknown' }) }
    const policy = maxPolicy([none, createPolicy({ kind: 'threshold', scaleUpThreshold: 10 })])
    expect(new AutoScaler({ policy, maxServers: 9 }).decide(seen(0, 55, 1)).to).toBeGreaterThan(1)
  })

  it('leaves to the policy what is asked for as undefined', () => {
    const limits = { cooldown: 60, minServers: 3, scaleDownStabilization: 300 }
    const policy = { name: 'own', limits, evaluate: () => ({ servers: 5, reason: 'five' }) }
    const open = { cooldown: undefined, minServers: undefined, scaleDownStabilization: undefined }
    const scaler = new AutoScaler({ policy, ...open, maxServers: 20 })
    expect(scaler.limits).toMatchObject({ cooldown: 60, minServers: 3, maxServers: 20 })
    scaler.decide(seen(0, 1, 5))
    policy.evaluate = () => ({ servers: 4, reason: 'four' })
    expect(scaler.decide(seen(100, 1, 10)).to).toBe(5) // what it desired at most in the last 300 s
  })

  it('waits out the cooldown also when the policy is changed meanwhile', () => {
    const wanting = (servers: number) => ({ name: 'some', evaluate: () => ({ servers, reason: 'so' }) })
    const scaler = new AutoScaler({ policy: wanting(4), cooldown: 60 })
    expect(scaler.decide(seen(0, 1, 2)).to).toBe(4)
    scaler.setPolicy(wanting(8))
    expect(scaler.decide(seen(1, 1, 4))).toMatchObject({ to: 4, desired: 8, limitedBy: 'cooldown' })
    expect(scaler.decide(seen(60, 1, 4)).to).toBe(8)
  })

  it('limits the steps', () => {
    const most = { name: 'most', evaluate: () => ({ servers: 99, reason: 'all' }) }
    const scaler = new AutoScaler({ policy: most, cooldown: 0, maxStepUp: 3 })
    expect(scaler.decide(seen(0, 1, 2))).toMatchObject({ to: 5, limitedBy: 'step' })
  })

  it('names what is wrong with an option', () => {
    expect(() => new AutoScaler({ minServers: 5, maxServers: 4 })).toThrow(
      /minServers: 5 is more than maxServers \(4\)/,
    )
    expect(() => new AutoScaler({ cooldown: -1 })).toThrow(/cooldown: -1 is not allowed/)
    expect(() => new AutoScaler({ scaleUpThreshold: 5, scaleDownThreshold: 5 })).toThrow(/not below/)
    expect(() => new AutoScaler({ interval: Number.NaN })).toThrow(/interval: NaN/)
    expect(
      () => new AutoScaler({ scaleUpThreshold: 25, scaleDownThreshold: 5, minServers: 1, maxServers: 20 }),
    ).not.toThrow()
  })

  it('holds min, max and cooldown for any load', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(1000), { maxLength: 200 }), (loads) => {
        const scaler = new AutoScaler({ minServers: 2, maxServers: 6, cooldown: 5 })
        let size = 2
        let last = -Infinity
        loads.forEach((load, time) => {
          const { to } = scaler.decide(seen(time, load, size))
          expect(to).toBeGreaterThanOrEqual(2)
          expect(to).toBeLessThanOrEqual(6)
          if (to !== size) {
            expect(time - last).toBeGreaterThanOrEqual(5)
            last = time
          }
          size = to
        })
      }),
    )
  })
})
