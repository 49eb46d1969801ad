import { randomGamma, randomLogNormal } from 'd3-random'
import { invalidInput, requireNumber, shown } from './errors.ts'
import type { Rng } from './rng.ts'

/** A distribution of times, in seconds. */
export interface Distribution {
  readonly kind: 'constant' | 'exponential' | 'uniform' | 'lognormal' | 'gamma' | 'pareto'
  readonly mean: number
  /** The same as plain data. */
  readonly spec: DistributionSpec
  /** A function that draws one value after another from `rng`. */
  sampler(rng: Rng): () => number
}

/** Always `value` seconds. */
export function constant(value: number): Distribution {
  requireNumber('value', value, { above: 0 })
  return { kind: 'constant', mean: value, spec: { kind: 'constant', value }, sampler: () => () => value }
}

/** Memoryless, with the given mean in seconds. */
export function exponential(mean: number): Distribution {
  requireNumber('mean', mean, { above: 0 })
  return {
    kind: 'exponential',
    mean,
    spec: { kind: 'exponential', mean },
    sampler: (rng) => () => rng.exponential(mean),
  }
}

/** Uniform from `min` to `max` seconds. */
export function uniform(min: number, max: number): Distribution {
  requireNumber('min', min, { min: 0 })
  requireNumber('max', max, { above: min })
  return {
    kind: 'uniform',
    mean: (min + max) / 2,
    spec: { kind: 'uniform', min, max },
    sampler: (rng) => () => min + rng.next() * (max - min),
  }
}

/** Log-normal with the given mean in seconds and coefficient of variation: σ² = ln(1 + cv²), μ = ln mean − σ²/2. */
export function lognormal(mean: number, cv: number): Distribution {
  requireNumber('mean', mean, { above: 0 })
  requireNumber('cv', cv, { above: 0 })
  const variance = Math.log1p(cv * cv)
  const mu = Math.log(mean) - variance / 2
  return {
    kind: 'lognormal',
    mean,
    spec: { kind: 'lognormal', mean, cv },
    sampler: (rng) => randomLogNormal.source(() => rng.next())(mu, Math.sqrt(variance)),
  }
}

/** Gamma with the given mean in seconds and coefficient of variation: shape 1/cv², scale mean·cv². */
export function gamma(mean: number, cv: number): Distribution {
  requireNumber('mean', mean, { above: 0 })
  requireNumber('cv', cv, { above: 0 })
  return {
    kind: 'gamma',
    mean,
    spec: { kind: 'gamma', mean, cv },
    sampler: (rng) => randomGamma.source(() => rng.next())(1 / (cv * cv), mean * cv * cv),
  }
}

/** Pareto with the given mean in seconds and shape α above 1: the lowest value is mean·(α − 1)/α. */
export function pareto(mean: number, shape: number): Distribution {
  requireNumber('mean', mean, { above: 0 })
  requireNumber('shape', shape, { above: 1 })
  const lowest = (mean * (shape - 1)) / shape
  return {
    kind: 'pareto',
    mean,
    spec: { kind: 'pareto', mean, shape },
    sampler: (rng) => () => lowest * rng.next() ** (-1 / shape),
  }
}

/** A distribution as plain data, as in a config file. */
export type DistributionSpec =
  | { kind: 'constant'; value: number }
  | { kind: 'exponential'; mean: number }
  | { kind: 'uniform'; min: number; max: number }
  | { kind: 'lognormal' | 'gamma'; mean: number; cv: number }
  | { kind: 'pareto'; mean: number; shape: number }

/** Makes the distribution that `spec` describes. */
export function distribution(spec: DistributionSpec): Distribution {
  switch (spec?.kind) {
    case 'constant':
      return constant(spec.value)
    case 'exponential':
      return exponential(spec.mean)
    case 'uniform':
      return uniform(spec.min, spec.max)
    case 'lognormal':
      return lognormal(spec.mean, spec.cv)
    case 'gamma':
      return gamma(spec.mean, spec.cv)
    case 'pareto':
      return pareto(spec.mean, spec.shape)
    default:
      throw invalidInput(
        'kind',
        `${shown((spec as DistributionSpec | undefined)?.kind)} is not a distribution`,
        'constant, exponential, uniform, lognormal, gamma, pareto',
      )
  }
}
