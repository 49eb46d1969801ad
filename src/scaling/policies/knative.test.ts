import { describe, expect, it } from 'vitest'
import { desiredBy, loaded, observing } from '../../../test/support/fleets.ts'
import { type KnativeOptions, knativePolicy } from './knative.ts'

/** Seconds, load, ready servers, and what is desired then, where it matters. */
type Timeline = [time: number, load: number, ready: number, servers?: number][]

function play(options: KnativeOptions, course: Timeline): void {
  const policy = knativePolicy({ targetUtilization: 1, maxScaleUpRate: 10, maxScaleDownRate: 10, ...options })
  for (const [time, load, ready, servers] of course) {
    const got = desiredBy(policy, loaded(time, load, ready))
    if (servers !== undefined) expect([time, got]).toEqual([time, servers])
  }
}

/** Loads one second apart. */
const each = (from: number, ready: number, loads: number[]): Timeline =>
  loads.map((load, i) => [from + i, load, ready])

describe('knative', () => {
  // Numbers of pkg/autoscaler/scaling/autoscaler_test.go (commit 01f103ef3c89), by the name of the test. There the averages of the windows are set;
  // here loads are chosen that make them, with an observation of one server first, since more would begin in panic.
  const begin: Timeline = [[0, 0, 1]]

  it.each<[string, KnativeOptions, Timeline]>([
    ['NoDataAtZero', { target: 10 }, [[0, 0, 1, 0]]],
    [
      'StableModeIncreaseWithConcurrencyDefault: 50 and 10',
      { target: 10 },
      [...begin, [100, 90, 100], [110, 10, 1, 5]],
    ],
    [
      'StableModeIncreaseWithConcurrencyDefault: 100 and 10',
      { target: 10 },
      [...begin, [100, 190, 100], [110, 10, 1, 10]],
    ],
    ['StableModeNoChangeAlreadyScaled', { target: 10 }, [...begin, [100, 50, 5, 5]]],
    ['StableModeDecrease', { target: 10 }, [...begin, [100, 100, 8, 10], [200, 50, 8, 5]]],
    [
      'StableModeIncreaseWithSmallScaleUpRate',
      { target: 1, maxScaleUpRate: 1.1 },
      [...begin, [100, 3, 2, 3]],
    ],
    [
      'StableModeDecreaseWithSmallScaleDownRate',
      { target: 10, maxScaleDownRate: 1.1 },
      [...begin, [100, 1, 100, 90]],
    ],
    ['PanicModeDoublePodCount: 50 and 100', { target: 10 }, [...begin, [100, 0, 50], [110, 100, 1, 10]]],
    [
      'PanicStableLargerThanPanic: 50 and 30',
      { target: 1 },
      [
        [0, 70, 1, 10],
        [10, 30, 5, 50],
      ],
    ],
    [
      'PanicStableLessThanPanic: 20 and 30',
      { target: 1 },
      [
        [0, 10, 5],
        [10, 30, 5, 30],
      ],
    ],
    [
      'RateLimitScaleUp',
      { target: 10 },
      [
        [0, 1000, 1, 10],
        [100, 1000, 10, 100],
      ],
    ],
    ['RateLimitScaleDown', { target: 10 }, [...begin, [100, 1, 100, 10], [200, 1, 10, 1]]],
    [
      'PanicModeExponentialTrackAndStabilize',
      { target: 1 },
      [
        [0, 6, 1, 6],
        [100, 36, 6, 36],
        [200, 216, 36, 216],
        [300, 1296, 216, 1296],
        [400, 1296, 1296, 1296],
      ],
    ],
    [
      'PanicThenUnPanicScaleDown',
      { target: 10 },
      [
        [0, 100, 1, 10],
        [1, 1900, 10, 100],
        [31, 1, 10, 100],
        [62, 1, 10, 1],
      ],
    ],
    [
      'UnpanicAfterSlowIncrease: 11 and 25, 30 and 41, 50 and 56',
      { target: 1 },
      [
        ...begin,
        ...each(990, 10, [4, 4]),
        [1000, 25, 10, 25],
        ...each(1010, 40, [37, 37, 38, 38, 38, 38]),
        [1030, 41, 40, 41],
        ...each(1040, 55, [65, 65, 65, 66, 66]),
        [1062, 56, 55, 50],
      ],
    ],
    [
      'ExtendPanicWindow: 11 and 25, 30 and 80',
      { target: 1 },
      [
        ...begin,
        ...each(990, 10, [4, 4]),
        [1000, 25, 10, 25],
        ...each(1010, 40, [31, 31, 31, 31, 31, 32]),
        [1030, 80, 40, 80],
        [1062, 1, 40, 80], // not yet a stable window since
      ],
    ],
  ])('TestAutoscaler%s', (_, options, course) => play(options, course))

  it('TestAutoscalerUseOnePodAsMinimumIfEndpointsNotFound', () => {
    const policy = knativePolicy({ target: 10, targetUtilization: 1, maxScaleUpRate: 10 })
    expect(desiredBy(policy, loaded(0, 1000, 0))).toBe(10)
  })

  it('TestStartInPanicMode: begins in panic with two ready servers, not with one', () => {
    const first = (ready: number) => knativePolicy({ target: 100 }).evaluate(loaded(0, 10, ready))
    expect(first(1).reason).not.toMatch(/^panic/)
    expect(first(2)).toMatchObject({ servers: 2, reason: expect.stringMatching(/^panic/) })
  })

  it('panics by what is needed, not by what the rate allows', () => {
    // 4 servers are needed where 2 are ready; 3 are allowed at once. Without panic it would go back to 1 at once.
    play({ target: 1, maxScaleUpRate: 1.1 }, [...begin, [100, 4, 2, 3], [110, 0, 2, 3]])
  })

  // pkg/autoscaler/aggregation/bucketing_test.go, TestTimedFloat64BucketsWindowAverage.
  it('averages over what was seen, not over the time before', () => {
    const policy = knativePolicy({ stableWindow: 5 })
    const mean = (time: number, load: number) => policy.evaluate(loaded(time, load, 1)).numbers!.stableMean
    expect(mean(0, 1)).toBe(1)
    for (const time of [1, 2, 3]) mean(time, time + 1)
    expect(mean(4, 5)).toBe(3)
    expect(mean(64, 1984)).toBe(1984)
  })

  // Configuration config-autoscaler: 70 %, 60 s, 10 %, 200 %, 1000 and 2.
  it('has the defaults of its source', () => {
    const first = (load: number, ready: number) => desiredBy(knativePolicy(), loaded(0, load, ready))
    expect([first(21, 1), first(22, 1), first(1e6, 1)]).toEqual([1, 2, 1000]) // 21 is 70 % of 30
    const calm = knativePolicy()
    desiredBy(calm, loaded(0, 0, 1))
    expect(desiredBy(calm, loaded(100, 0, 9))).toBe(4)
  })

  it('adds up another metric over the ready servers, those that do not report it as the others', () => {
    const policy = knativePolicy({ metric: 'messagesPerSecond', target: 10, targetUtilization: 1 })
    const decision = policy.evaluate(
      observing('messagesPerSecond', [30, undefined, 50, 9], { states: 'RRRS' }),
    )
    expect(decision.numbers!.stableMean).toBe(120)
    expect(decision).toMatchObject({
      servers: 12,
      reason: expect.stringContaining('120.0 messagesPerSecond'),
    })
  })
})
