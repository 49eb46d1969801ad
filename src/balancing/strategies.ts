import { invalidInput, shown } from '../base/errors.ts'
import type { Rng } from '../base/rng.ts'
import { suggest } from '../base/suggest.ts'
import { consistentHash } from './strategies/consistent-hash.ts'
import { leastLoaded } from './strategies/least-loaded.ts'
import { powerOfTwo } from './strategies/power-of-two.ts'
import { roundRobin } from './strategies/round-robin.ts'
import { weighted } from './strategies/weighted.ts'
import type { Strategy, StrategyFactory } from './strategy.ts'
import { STRATEGY_NAMES, type StrategyName } from './strategy-names.ts'

const STRATEGIES: Record<StrategyName, StrategyFactory> = {
  'round-robin': roundRobin,
  'least-loaded': leastLoaded,
  'power-of-two': powerOfTwo,
  weighted,
  'consistent-hash': consistentHash,
}

/** Rejects what is not the name of a strategy. */
export function requireStrategyName(name: string): StrategyName {
  if (Object.hasOwn(STRATEGIES, name)) return name as StrategyName
  throw invalidInput('strategy', `${shown(name)} is not known`, suggest(name, STRATEGY_NAMES))
}

/**
 * Makes the strategy of that name.
 * @throws {ConcertinaError} INVALID_INPUT, with the names there are.
 */
export function createStrategy(name: StrategyName, rng: Rng): Strategy {
  return STRATEGIES[requireStrategyName(name)](rng)
}
