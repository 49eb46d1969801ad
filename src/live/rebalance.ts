import type { StrategyName } from '../balancing/strategy-names.ts'
import type { ServerId } from '../fleet/provider.ts'

/** A server with what it holds. */
export interface ServerLoad {
  readonly id: ServerId
  readonly users: number
  readonly weight: number
}

interface Move {
  readonly from: ServerId
  readonly to: ServerId
  readonly count: number
}

/** A server to which users follow their rooms; `free`: how many more each other server may send there now. */
export interface RoomServer {
  readonly id: ServerId
  readonly weight: number
  readonly free: number
  /** Where it can be reached directly, past a load balancer. */
  readonly url?: string | undefined
}

/** What every server is asked to do when rooms decide where users are. */
export interface FollowRooms {
  readonly type: 'follow-rooms'
  readonly strategy: StrategyName
  readonly servers: readonly RoomServer[]
  /** At most so many of its users move, spread over `seconds`. */
  readonly count: number
  readonly seconds: number
}

/** How `most` users per second of all servers follow their rooms: those who send users to a server share what it has free. */
export function planFollowing(
  strategy: StrategyName,
  servers: readonly RoomServer[],
  most: number,
): FollowRooms {
  const count = Math.max(1, Math.floor(most / servers.length))
  return {
    type: 'follow-rooms',
    strategy,
    servers: servers.map(({ id, weight, free, url }) => ({
      id,
      weight,
      free: Math.floor(free / Math.max(1, servers.length - 1)),
      url,
    })),
    count,
    seconds: (count * servers.length) / most,
  }
}

interface MovePlan {
  readonly moves: readonly Move[]
  /** Over which they are spread. */
  readonly seconds: number
}

/**
 * Who has to move so that every server has its share, at most `perSecond` users each second, but one at least. Each server's target is its share of all users by
 * weight. Nothing is done while all are within the deadband around their targets, and within two users; once one is not, those
 * above their target give to those below.
 */
export function planMoves(servers: readonly ServerLoad[], deadband: number, perSecond: number): MovePlan {
  const most = Math.max(1, Math.floor(perSecond))
  const seconds = most / perSecond
  const users = servers.reduce((sum, each) => sum + each.users, 0)
  const weight = servers.reduce((sum, each) => sum + each.weight, 0)
  const off = servers.map((each) => ({
    id: each.id,
    excess: each.users - (users * each.weight) / weight,
    each,
  }))
  const target = ({ excess, each }: (typeof off)[number]) => each.users - excess
  if (off.every((one) => Math.abs(one.excess) <= Math.max(2, deadband * target(one))))
    return { moves: [], seconds }
  const givers = off
    .filter(({ excess }) => excess >= 1)
    .map(({ id, excess }) => ({ id, left: Math.floor(excess) }))
  const takers = off
    .filter(({ excess }) => excess <= -1)
    .map(({ id, excess }) => ({ id, left: Math.floor(-excess) }))
  givers.sort((a, b) => b.left - a.left)
  takers.sort((a, b) => b.left - a.left)
  const moves: Move[] = []
  let left = most
  for (let g = 0, t = 0; g < givers.length && t < takers.length && left > 0; ) {
    const from = givers[g]!
    const to = takers[t]!
    const count = Math.min(from.left, to.left, left)
    moves.push({ from: from.id, to: to.id, count })
    left -= count
    from.left -= count
    to.left -= count
    if (from.left === 0) g++
    if (to.left === 0) t++
  }
  return { moves, seconds }
}
