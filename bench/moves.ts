/**
 * What it takes to even out users behind a load balancer that knows no targets, beside the fewest moves that would do. Time is
 * simulated, so each run prints the same. `npm run bench:moves`.
 */
import { movesBehind, WAYS_IN } from '../test/support/moves-behind-balancer.ts'

const cases = [
  ['4 servers and a new one', [250, 250, 250, 250, 0]],
  ['2 servers and 2 new ones', [500, 500, 0, 0]],
  ['10 servers and a new one', [...Array.from({ length: 10 }, () => 100), 0]],
  ['one of 4 has twice as many', [400, 200, 200, 200]],
] as const
for (const [name, users] of cases)
  for (const wayIn of WAYS_IN) {
    const { ideal, moves, attempts, seconds, off } = movesBehind(wayIn, users)
    console.log(
      `${name.padEnd(27)} ${wayIn.padEnd(18)} ${String(moves).padStart(4)} moves, ideal ${String(ideal).padStart(4)}, × ${(moves / ideal).toFixed(2)}; ` +
        `${(attempts / moves).toFixed(2)} connections a move; ${seconds.toFixed(0).padStart(3)} s; worst server ${(off * 100).toFixed(0)} % off`,
    )
  }
