import { describe, expect, it } from 'vitest'
import { UsualRise } from './usual-rise.ts'

const HOUR = 3600

/** What it says at each of `times`, after a rise of 4 at the full hour in a share of `hours`, and of `calm` at all other times. */
function learned(hours: number, every: number, calm: number, interval = 30, decay = 1) {
  const usual = new UsualRise(HOUR, 30)
  for (let clock = 0; clock < hours * HOUR; clock += interval) {
    const burst = clock % HOUR < interval && Math.floor(clock / HOUR) % every === 0
    usual.see(clock, burst ? 4 : calm, interval, decay)
  }
  return usual
}

describe('the usual rise', () => {
  it('is that of the time of the period, and near the highest', () => {
    const usual = learned(100, 5, 0.1)
    expect(usual.at(200 * HOUR + 15)).toBeCloseTo(4 * 0.2 ** (1 / 8), 2)
    expect(usual.at(200 * HOUR + 31)).toBeCloseTo(0.1)
    expect(usual.at(-HOUR)).toBe(usual.at(0))
  })

  it('is none where nothing was seen', () => {
    expect(new UsualRise(HOUR, 30).at(77)).toBe(0)
  })

  it.each([1, 7, 30, 45, 60, 600])(
    'has no gaps with a decision every %i s, whenever it begins',
    (interval) => {
      const usual = learned(50, 1, 0.5, interval)
      for (let clock = 0; clock < HOUR; clock += 30)
        expect(usual.at(clock + 13)).toBeGreaterThanOrEqual(0.499)
    },
  )

  it('forgets by the time that passed, however often it was told', () => {
    for (const interval of [10, 30, 60]) {
      const decay = Math.exp(-interval / (24 * HOUR))
      const usual = new UsualRise(HOUR, 30)
      for (let clock = 0; clock < 20 * HOUR; clock += interval) usual.see(clock, 1, interval, decay)
      const [first] = usual.snapshot().counts
      for (let clock = 20 * HOUR; clock < 44 * HOUR; clock += interval) usual.see(clock, 0, interval, decay)
      const { powers } = usual.snapshot()
      expect(powers[0]! / first!).toBeCloseTo(Math.exp(-1), 1)
    }
  })

  it('continues from what it was, and takes nothing of another shape', () => {
    const usual = learned(20, 3, 0.2)
    const again = new UsualRise(HOUR, 30)
    again.restore(usual.snapshot())
    expect(again.at(5)).toBeCloseTo(usual.at(5))
    expect(() => new UsualRise(HOUR, 60).restore(usual.snapshot())).toThrow(RangeError)
  })
})
