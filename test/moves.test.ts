import { expect, it } from 'vitest'
import { movesBehind, WAYS_IN } from './support/moves-behind-balancer.ts'

/** Times the fewest moves that would do, at most: behind balancers that know no targets users stay rather than go astray. */
const MOST = { 'round robin': 1.4, random: 1.4, 'least connections': 1.4, direct: 1 }

it.each(WAYS_IN)('evens out users by few more moves than must be: %s', (wayIn) => {
  for (const users of [
    [250, 250, 250, 250, 0],
    [500, 500, 0, 0],
    [...Array.from({ length: 10 }, () => 100), 0],
    [400, 200, 200, 200],
  ]) {
    const { ideal, moves, attempts, seconds, off } = movesBehind(wayIn, users)
    expect(moves).toBeGreaterThanOrEqual(0.9 * ideal)
    expect(moves).toBeLessThanOrEqual(MOST[wayIn] * ideal)
    expect(attempts).toBeLessThanOrEqual(1.25 * users.length * moves)
    expect(seconds).toBeLessThanOrEqual(45)
    expect(off).toBeLessThanOrEqual(0.1)
  }
})
