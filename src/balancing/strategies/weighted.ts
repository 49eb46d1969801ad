import type { StrategyFactory } from '../strategy.ts'

/**
 * Each server as often as its weight says, evenly spread: every turn each gains its weight, and the one that has most
 * is chosen and pays the sum of all weights (the smooth weighted round-robin of nginx).
 */
export const weighted: StrategyFactory = () => {
  let credit = new Float64Array(0)
  return {
    name: 'weighted',
    update(servers) {
      credit = new Float64Array(servers.length)
    },
    pick(servers) {
      let best = 0
      let total = 0
      for (let i = 0; i < servers.length; i++) {
        const { weight } = servers[i]!
        total += weight
        credit[i]! += weight
        if (credit[i]! > credit[best]!) best = i
      }
      credit[best]! -= total
      return best
    },
  }
}
