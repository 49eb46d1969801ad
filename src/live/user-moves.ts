import type { WallClock } from '../base/clock.ts'
import type { Fleet } from '../fleet/fleet.ts'
import type { ServerId } from '../fleet/provider.ts'
import { type RebalanceOptions, rebalanceOptions } from './fleet-options.ts'
import type { LiveServers } from './live-servers.ts'
import { planFollowing, planMoves } from './rebalance.ts'
import type { UserRouter } from './user-router.ts'

/** Seconds that moves of users have to happen before the next ones are planned. */
const SETTLE_SECONDS = 0.5
const MIN_DRAIN_SECONDS = 0.25
const MAX_DRAIN_SECONDS = 60

interface MovesContext {
  readonly fleet: Fleet
  readonly servers: LiveServers
  readonly placement: UserRouter
  readonly clock: WallClock
}

/** Moves users between servers: as fast as `rebalance` lets them to even them out, and as fast as others can take them in a drain. */
export class UserMoves {
  readonly #context: MovesContext
  readonly #rebalance: Required<RebalanceOptions>
  readonly #acceptRate: number
  #next = 0
  #asked = 0

  /**
   * @param acceptRate users/s that a server accepts when others are drained
   * @throws {ConcertinaError} INVALID_INPUT, naming the option.
   */
  constructor(context: MovesContext, rebalance: RebalanceOptions | undefined, acceptRate: number) {
    this.#context = context
    this.#rebalance = rebalanceOptions.parse(rebalance ?? {})
    this.#acceptRate = acceptRate
  }

  /** Users that were asked to move to even out the servers, or to follow their rooms. */
  get asked(): number {
    return this.#asked + this.#context.servers.totals.followed
  }

  /** The window in which the users of a server leave, seconds. */
  drainSeconds(id: ServerId): number {
    const { fleet, servers } = this.#context
    const receivers = fleet.ready.filter((server) => server.id !== id).length
    const seconds = servers.users({ id }) / Math.max(1, receivers * this.#acceptRate)
    return Math.min(MAX_DRAIN_SECONDS, Math.max(MIN_DRAIN_SECONDS, seconds))
  }

  /** Moves a paced share of users from servers above their target to those below, or to the servers that their rooms belong to. */
  rebalance(): void {
    const { placement, clock } = this.#context
    const now = clock.now()
    if (now < this.#next) return
    if (placement.byRoom) this.#followRooms(now)
    else this.#evenOut(now)
  }

  #followRooms(now: number): void {
    const { servers, placement } = this.#context
    const ready = placement.servers
    if (ready.length < 2) return
    const plan = planFollowing(placement.strategy, ready, this.#rebalance.movesPerSecond)
    for (const { id } of ready) servers.send(id, plan)
    this.#next = now + plan.seconds + SETTLE_SECONDS
  }

  #evenOut(now: number): void {
    const { fleet, servers } = this.#context
    const { deadband, movesPerSecond } = this.#rebalance
    const loads = fleet.ready.map((server) => ({ ...server, users: servers.users(server) }))
    const { moves, seconds } = planMoves(loads, deadband, movesPerSecond)
    for (const { from, to, count } of moves) {
      servers.send(from, { type: 'rebalance', count, to, seconds })
      this.#asked += count
      this.#next = now + seconds + SETTLE_SECONDS
    }
  }
}
