import type { StrategyFactory } from '../strategy.ts'

/** The server with the least load for its weight; among equals they take turns. */
export const leastLoaded: StrategyFactory = () => {
  let start = 0
  return {
    name: 'least-loaded',
    pick(servers) {
      const n = servers.length
      if (start >= n) start = 0
      let best = start
      let least = Infinity
      for (let i = 0, at = start; i < n; i++, at = at + 1 === n ? 0 : at + 1) {
        const { load, weight } = servers[at]!
        if (load / weight < least) {
          least = load / weight
          best = at
        }
      }
      start = best + 1
      return best
    },
  }
}
