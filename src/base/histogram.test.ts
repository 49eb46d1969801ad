import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Histogram } from './histogram.ts'

const values = fc.array(fc.double({ min: 1e-6, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 300 })

it('gives quantiles within 1 % of the exact ones', () => {
  fc.assert(
    fc.property(values, fc.double({ min: 0, max: 1, noNaN: true }), (list, q) => {
      const histogram = new Histogram()
      for (const value of list) histogram.record(value)
      const sorted = list.toSorted((a, b) => a - b)
      const exact = sorted[Math.max(1, Math.ceil(q * list.length)) - 1]!
      expect(Math.abs(histogram.quantile(q) / exact - 1)).toBeLessThanOrEqual(0.01)
      expect(histogram.max).toBe(sorted.at(-1))
    }),
  )
})

it('merges to what one histogram of all would be', () => {
  fc.assert(
    fc.property(values, values, (a, b) => {
      const [one, other, all] = [new Histogram(), new Histogram(), new Histogram()]
      for (const value of a) one.record(value)
      for (const value of b) other.record(value)
      for (const value of [...a, ...b]) all.record(value)
      one.merge(other)
      expect(one.count).toBe(all.count)
      for (const q of [0, 0.5, 0.99, 1]) expect(one.quantile(q)).toBe(all.quantile(q))
    }),
  )
})

it('takes zeros, values out of range, and nothing at all', () => {
  const histogram = new Histogram()
  expect([histogram.quantile(0.5), histogram.mean]).toEqual([0, 0])
  for (const value of [0, 0, 0, 1e12]) histogram.record(value)
  expect([histogram.quantile(0.5), histogram.quantile(1)]).toEqual([0, 1e12])
})
