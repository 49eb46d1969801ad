import type { StrategyFactory } from '../strategy.ts'

/** One server after the other. */
export const roundRobin: StrategyFactory = () => {
  let next = 0
  return {
    name: 'round-robin',
    pick(servers) {
      if (next >= servers.length) next = 0
      return next++
    },
  }
}
