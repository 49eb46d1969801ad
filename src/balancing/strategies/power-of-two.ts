import type { StrategyFactory } from '../strategy.ts'

/**
 * The less loaded of two servers chosen at random: nearly as even as looking at all of them (Mitzenmacher, *The power of
 * two choices in randomized load balancing*, IEEE TPDS 12, 2001).
 */
export const powerOfTwo: StrategyFactory = (rng) => ({
  name: 'power-of-two',
  pick(servers) {
    const n = servers.length
    if (n === 1) return 0
    const one = rng.below(n)
    const below = rng.below(n - 1)
    const other = below >= one ? below + 1 : below
    const [a, b] = [servers[one]!, servers[other]!]
    return b.load / b.weight < a.load / a.weight ? other : one
  },
})
