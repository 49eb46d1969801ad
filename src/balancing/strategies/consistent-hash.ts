import { mix } from '../../base/rng.ts'
import { countBelow } from '../../base/sorted.ts'
import type { StrategyFactory } from '../strategy.ts'

/** Points of a server of weight 1 on the ring. */
const POINTS = 128

/**
 * A room stays on one server, and when a server joins or leaves only about its share of the rooms move (Karger et al.,
 * *Consistent hashing and random trees*, STOC 1997).
 */
export const consistentHash: StrategyFactory = () => {
  let hashes = new Uint32Array(0)
  let owners = new Int32Array(0)
  return {
    name: 'consistent-hash',
    byRoom: true,
    update(servers) {
      const points = servers.flatMap(({ id, weight }, index) =>
        Array.from({ length: Math.max(1, Math.round(POINTS * weight)) }, (_, k) => ({
          hash: mix(mix(id) + Math.imul(k, 0x9e3779b9)),
          index,
        })),
      )
      points.sort((a, b) => a.hash - b.hash || a.index - b.index)
      hashes = Uint32Array.from(points, (point) => point.hash)
      owners = Int32Array.from(points, (point) => point.index)
    },
    pick(_servers, { room }) {
      const hash = mix(Math.imul(room + 1, 0x27d4eb2f))
      const at = countBelow(hashes, hash)
      return owners[at === owners.length ? 0 : at]!
    },
  }
}
