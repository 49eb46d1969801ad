import { describe, expect, it } from 'vitest'
import { desiredBy, loaded } from '../../../test/support/fleets.ts'
import { AutoScaler } from '../auto-scaler.ts'
import { awsPredictivePolicy } from './aws-predictive.ts'
import { percentilePolicy } from './percentile.ts'

const HOUR = 3600
const DAY = 24 * HOUR

describe('percentile', () => {
  /** Twenty samples, of which one is high, and what it then wants. */
  const desired = (percentile: number, last = 10) => {
    const policy = percentilePolicy({ target: 10, percentile, averaging: 60, horizon: 20 * 60 })
    for (let minute = 0; minute < 19; minute++) {
      for (const second of [0, 30])
        desiredBy(policy, loaded(minute * 60 + second, minute === 5 ? 100 : 10, 1))
    }
    return desiredBy(policy, loaded(19 * 60, last, 1))
  }

  it('is at the nearest rank of the samples, the present one among them', () => {
    expect(desired(0.95)).toBe(1)
    expect(desired(0.96)).toBe(10)
    expect(desired(1)).toBe(10)
    expect([desired(1, 200), desired(0.95, 200), desired(0, 5)]).toEqual([20, 10, 1])
  })

  it('averages over each stretch, and forgets what is older than the horizon', () => {
    const policy = percentilePolicy({ target: 10, percentile: 1, averaging: 60, horizon: 600 })
    for (let time = 0; time < 60; time += 10) desiredBy(policy, loaded(time, time < 30 ? 80 : 40, 1))
    expect(desiredBy(policy, loaded(60, 10, 1))).toBe(6)
    for (let time = 70; time < 590; time += 10) expect(desiredBy(policy, loaded(time, 10, 1))).toBe(6)
    expect(desiredBy(policy, loaded(660, 10, 1))).toBe(1)
  })

  it('lowers the fleet only to the highest recommendation of the last hour', () => {
    const policy = percentilePolicy({ target: 10, percentile: 1, averaging: 60, horizon: 60 })
    const scaler = new AutoScaler({ policy, minServers: 1, maxServers: 50 })
    let size = 1
    const sizes = Array.from({ length: 80 }, (_, minute) => {
      size = scaler.decide(loaded(minute * 60, minute < 5 ? 200 : 10, size)).to
      return size
    })
    expect(sizes.slice(0, 60)).toEqual(new Array(60).fill(20))
    expect(sizes.at(-1)).toBe(1)
  })

  it('continues with its samples after a restart, on another clock, and takes none of another version', () => {
    const policy = percentilePolicy({ target: 10, percentile: 1 })
    for (let time = 0; time < HOUR; time += 30) desiredBy(policy, loaded(time, time < 600 ? 500 : 10, 1))
    const state: unknown = JSON.parse(JSON.stringify(policy.snapshot!()))
    const again = percentilePolicy({ target: 10, percentile: 1 })
    again.restore!(state, -HOUR)
    expect(desiredBy(again, loaded(0, 10, 1))).toBe(50)
    expect(desiredBy(again, loaded(72 * HOUR, 10, 1))).toBe(1)
    expect(percentilePolicy().snapshot!()).toBeUndefined()
    expect(() => percentilePolicy().restore!({ samples: 7 }, 0)).toThrow()
  })
})

describe('aws-predictive', () => {
  /** 100 users, and 500 from 9 to 10 o'clock. */
  const daily = (time: number) => (Math.floor((time % DAY) / HOUR) === 9 ? 500 : 100)
  const run = (policy = awsPredictivePolicy({ target: 10 }), from = 0, until = 2 * DAY) => {
    const scaler = new AutoScaler({ policy, interval: 60, minServers: 1, maxServers: 100 })
    let size = 10
    const sizes = new Map<number, number>()
    for (let time = from; time < until; time += 60) {
      size = scaler.decide(loaded(time, daily(time), size)).to
      sizes.set(time, size)
    }
    return { sizes, policy }
  }

  it('launches the servers of an hour five minutes before it, from the second day on', () => {
    const { sizes } = run()
    expect(sizes.get(9 * HOUR - 60)).toBe(10)
    expect(sizes.get(9 * HOUR)).toBe(10)
    expect(sizes.get(DAY + 9 * HOUR - 360)).toBe(10)
    expect(sizes.get(DAY + 9 * HOUR - 300)).toBe(50)
  })

  it('leaves scale-in to target tracking', () => {
    const { sizes } = run()
    expect(sizes.get(DAY + 10 * HOUR + 600)).toBe(50)
    expect(sizes.get(DAY + 11 * HOUR)).toBe(10)
  })

  it('forecasts the mean of the same hours, and says so', () => {
    const policy = awsPredictivePolicy({ target: 10 })
    const days = [100, 200, 600]
    for (let time = 0; time < 3 * DAY; time += 300)
      desiredBy(policy, loaded(time, days[Math.floor(time / DAY)]!, 10))
    const { reason, numbers } = policy.evaluate(loaded(3 * DAY, 300, 30))
    expect(numbers!.forecast).toBeCloseTo(300, 6)
    expect(reason).toMatch(/^300 users are forecast for this hour, at 10 per server; /)
    expect(awsPredictivePolicy().evaluate(loaded(0, 10, 1)).reason).toMatch(
      /^no forecast within the first day; /,
    )
  })

  it('continues with its hours after a restart', () => {
    const { policy } = run()
    const again = awsPredictivePolicy({ target: 10 })
    again.restore!(JSON.parse(JSON.stringify(policy.snapshot!())), -2 * DAY)
    const { sizes } = run(again, 0, DAY)
    expect(sizes.get(9 * HOUR - 360)).toBe(10)
    expect(sizes.get(9 * HOUR - 300)).toBe(50)
    expect(() => awsPredictivePolicy().restore!({ hours: [1] }, 0)).toThrow()
  })
})
