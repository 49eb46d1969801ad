/** The strategies by which a balancer picks a server for a user or a message. */
export const STRATEGY_NAMES = [
  'round-robin',
  'least-loaded',
  'power-of-two',
  'weighted',
  'consistent-hash',
] as const

/** The name of a balancing strategy. */
export type StrategyName = (typeof STRATEGY_NAMES)[number]
