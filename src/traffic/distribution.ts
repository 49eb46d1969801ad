import type { Rng } from '../pipeline/rng.ts'

/** A distribution of times, in seconds. */
export interface Distribution {
  readonly kind: 'constant' | 'exponential' | 'uniform' | 'lognormal' | 'gamma' | 'pareto'
  readonly mean: number
  /** A function that draws one value after another from `rng`. */
  sampler(rng: Rng): () => number
}
