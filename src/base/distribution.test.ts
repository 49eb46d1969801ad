import { expect, it } from 'vitest'
import { type DistributionSpec, distribution } from './distribution.ts'
import { seededRng } from './rng.ts'

const SPECS: [DistributionSpec, mean: number, cv: number][] = [
  [{ kind: 'constant', value: 3 }, 3, 0],
  [{ kind: 'exponential', mean: 3 }, 3, 1],
  [{ kind: 'uniform', min: 1, max: 5 }, 3, 1 / Math.sqrt(27 / 4)],
  [{ kind: 'lognormal', mean: 3, cv: 0.5 }, 3, 0.5],
  [{ kind: 'gamma', mean: 3, cv: 0.5 }, 3, 0.5],
  [{ kind: 'pareto', mean: 3, shape: 5 }, 3, 1 / Math.sqrt(15)],
]

it.each(SPECS)('%o has the mean and the spread it says', (spec, mean, cv) => {
  const made = distribution(spec)
  const draw = made.sampler(seededRng(1).stream('test'))
  const values = Array.from({ length: 200_000 }, draw)
  const average = values.reduce((a, b) => a + b) / values.length
  const deviation = Math.sqrt(values.reduce((sum, x) => sum + (x - average) ** 2, 0) / values.length)
  expect(made.mean).toBe(mean)
  expect(Math.abs(average / mean - 1)).toBeLessThan(0.02)
  expect(Math.abs(deviation / average - cv)).toBeLessThan(0.03)
  expect(Math.min(...values.slice(0, 1000))).toBeGreaterThan(0)
})

it('rejects what is not a distribution', () => {
  expect(() => distribution({ kind: 'exponential', mean: 0 })).toThrow(/mean: 0/)
  expect(() => distribution({ kind: 'normal' } as never)).toThrow(/"normal" is not a distribution/)
})
