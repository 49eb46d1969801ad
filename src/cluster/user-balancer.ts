import { createStrategy, requireStrategyName } from '../balancing/strategies.ts'
import type { StrategyName } from '../balancing/strategy-names.ts'
import { seededRng } from '../base/rng.ts'
import type { ServerRef } from '../fleet/provider.ts'
import type { Server } from '../fleet/server.ts'
import { type RebalanceOptions, rebalanceOptions } from '../live/fleet-options.ts'
import type { ServerReport } from '../live/messages.ts'
import { planFollowing, planMoves } from '../live/rebalance.ts'
import type { Bus } from './broker.ts'
import {
  commandTopic,
  type ServerCommand,
  type ServerStatus,
  TARGETS_TOPIC,
  type Targets,
} from './messages.ts'

const BALANCE_MS = 1000
/** Seconds that moves of users have to happen before the next ones are planned: at least one status of each server. */
const MOVES_SETTLE_SECONDS = 1.5

interface LoadedServer extends Pick<ServerStatus, 'state' | 'number' | 'direct' | 'url' | 'free'> {
  /** Of the connections, those that were asked to move may yet stay. */
  readonly report: Pick<ServerReport, 'connections'>
}

type ReadyServer = Pick<Server, 'id' | 'ref' | 'users' | 'weight'>

interface BalancedFleet {
  readonly fleet: { readonly ready: readonly ReadyServer[] }
  readonly servers: { status(ref: ServerRef): LoadedServer | undefined }
  readonly bus: Pick<Bus, 'connected' | 'publish'>
  /** Seconds, rising. */
  now(): number
  leads(): boolean
}

/** Asks the servers of a cluster to move users: from those above their share to those below, or to where their rooms are. */
export class UserBalancer {
  /** Users that were asked to move to even out the servers. */
  moves = 0
  readonly #parts: BalancedFleet
  readonly #options: Required<RebalanceOptions>
  #strategy: StrategyName
  #next = 0
  #timer: NodeJS.Timeout | undefined

  /**
   * @param strategy users come by the platform's load balancer, so it says only whether rooms or users are balanced: by one that
   * goes by rooms users follow their rooms where every server can be reached directly, and stay where they are elsewhere
   */
  constructor(parts: BalancedFleet, strategy: StrategyName, options: RebalanceOptions | undefined) {
    this.#parts = parts
    this.#strategy = requireStrategyName(strategy)
    this.#options = rebalanceOptions.parse(options ?? {})
  }

  get strategy(): StrategyName {
    return this.#strategy
  }

  setStrategy(name: StrategyName): void {
    this.#strategy = requireStrategyName(name)
  }

  start(): void {
    this.#timer = setInterval(() => this.#balance(), BALANCE_MS)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #balance(): void {
    const { fleet, servers, bus, leads } = this.#parts
    if (!leads() || !bus.connected) return
    const ready = fleet.ready.filter(({ ref }) => ref !== undefined && servers.status(ref)?.state === 'ready')
    if (createStrategy(this.#strategy, seededRng(1)).byRoom) this.#followRooms(ready)
    else this.#evenOut(ready)
  }

  #followRooms(ready: readonly ReadyServer[]): void {
    const { servers, bus, now } = this.#parts
    const targets = ready.flatMap(({ ref, weight }) => {
      const { number, direct, url, free = 0 } = servers.status(ref!)!
      return direct ? { id: number, weight, free, url } : []
    })
    if (ready.length < 2 || targets.length < ready.length) return
    const follow =
      now() < this.#next ? undefined : planFollowing(this.#strategy, targets, this.#options.movesPerSecond)
    // Who cannot reach the server of the room has no reason to move to any other.
    const plan: Targets = { above: ready.map(({ ref }) => ref!), follow }
    bus.publish(TARGETS_TOPIC, JSON.stringify(plan))
    if (follow) this.#next = now() + follow.seconds + MOVES_SETTLE_SECONDS
  }

  /** Moves a paced share of users from servers above their target to those below, and names those above it. */
  #evenOut(ready: readonly ReadyServer[]): void {
    const { servers, bus, now } = this.#parts
    const { deadband, movesPerSecond } = this.#options
    const { moves, seconds } = planMoves(ready, deadband, movesPerSecond)
    const total = ready.reduce((sum, { users }) => sum + users, 0)
    const weight = ready.reduce((sum, each) => sum + each.weight, 0)
    // No server that has its share accepts more users who were asked to move to another one: they stay where they are instead.
    const has = ({ ref }: (typeof ready)[number]) => servers.status(ref!)!.report.connections
    const above = ready.filter((each) => has(each) >= Math.floor((total * each.weight) / weight))
    const targets: Targets = { above: above.map(({ ref }) => ref!) }
    bus.publish(TARGETS_TOPIC, JSON.stringify(targets))
    if (now() < this.#next) return
    for (const { from, to, count } of moves) {
      const source = ready.find(({ id }) => id === from)!
      const target = servers.status(ready.find(({ id }) => id === to)!.ref!)!
      const command: ServerCommand = {
        type: 'rebalance',
        count,
        to: target.number,
        ...(target.direct && { url: target.url }),
        seconds,
      }
      bus.publish(commandTopic(source.ref!), JSON.stringify(command))
      this.moves += count
      this.#next = now() + seconds + MOVES_SETTLE_SECONDS
    }
  }
}
