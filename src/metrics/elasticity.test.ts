import { describe, expect, it } from 'vitest'
import { ElasticityMeter } from './elasticity.ts'

/** Scores of steps [demand, supply, seconds]. */
function scores(steps: [demand: number, supply: number, seconds: number][]) {
  const meter = new ElasticityMeter()
  for (const [demand, supply, seconds] of steps) meter.add(demand, supply, seconds)
  return meter.scores()
}

describe('elasticity scores', () => {
  // Ten minutes, worked out by the formulas by hand:
  // minute    1-2  3  4  5-6  7-8  9  10
  // demand     2   4  4   4    2   2   3
  // supply     2   2  3   4    4   3   3
  it('follow their formulas', () => {
    const { instability, ...rest } = scores([
      [2, 2, 120],
      [4, 2, 60],
      [4, 3, 60],
      [4, 4, 120],
      [2, 4, 120],
      [2, 3, 60],
      [3, 3, 60],
    ])
    expect(rest).toEqual({
      underProvisioningAccuracy: expect.closeTo((2 / 4 + 1 / 4) / 10, 12),
      overProvisioningAccuracy: expect.closeTo((2 * (2 / 2) + 1 / 2) / 10, 12),
      underProvisioningTimeShare: expect.closeTo(2 / 10, 12),
      overProvisioningTimeShare: expect.closeTo(3 / 10, 12),
    })
    // Demand and supply differ in the sign of their change at every step: 0 and 0 would be the same, as would up and up.
    // Of the eight minutes after the first step; a step counts with all its length.
    expect(instability).toBeCloseTo(8 / 8, 12)
  })

  it('is stable while both rest, or move the same way, by whatever', () => {
    const both: [number, number, number][] = [
      [2, 2, 60],
      [2, 2, 60],
      [4, 3, 60],
      [1, 2, 60],
    ]
    expect(scores(both).instability).toBe(0)
    expect(scores([...both, [1, 3, 60]]).instability).toBeCloseTo(1 / 4, 12)
  })

  it('does not count opposite ways double', () => {
    expect(
      scores([
        [2, 2, 60],
        [3, 1, 30],
        [3, 1, 30],
      ]).instability,
    ).toBeCloseTo(1 / 2, 12)
  })

  it('keeps no demand apart from a demand of one, and from 0', () => {
    expect(scores([[0, 3, 60]])).toMatchObject({ overProvisioningAccuracy: 2, overProvisioningTimeShare: 1 })
    expect(Object.values(scores([]))).toEqual([0, 0, 0, 0, 0])
  })
})
