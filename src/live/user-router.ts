import { roomNumber } from '../balancing/room-placement.ts'
import { createStrategy, requireStrategyName } from '../balancing/strategies.ts'
import type { BalancedServer, Strategy } from '../balancing/strategy.ts'
import type { StrategyName } from '../balancing/strategy-names.ts'
import type { Rng } from '../base/rng.ts'
import type { Fleet } from '../fleet/fleet.ts'
import type { Server } from '../fleet/server.ts'
import type { Choice } from './arrivals.ts'

/** What the router needs to know of servers. */
export interface ServerFigures {
  /** Users on a server now, those on their way to it included. */
  users(server: Server): number
  /** How many more connections it may have. */
  free(server: Server): number
}

interface RoutedServer extends BalancedServer {
  readonly free: number
}

/** Chooses the server for each new connection, among the ready ones of the fleet, by a strategy. */
export class UserRouter {
  readonly #fleet: Fleet
  readonly #figures: ServerFigures
  readonly #rng: Rng
  #name: StrategyName
  #strategy: Strategy
  #views: RoutedServer[] = []
  #arrivals = 0

  constructor(fleet: Fleet, strategy: StrategyName, rng: Rng, figures: ServerFigures) {
    this.#fleet = fleet
    this.#figures = figures
    this.#rng = rng
    this.#name = requireStrategyName(strategy)
    this.#strategy = createStrategy(this.#name, rng.stream(this.#name))
    fleet.onChange(() => this.#update())
    this.#update()
  }

  get strategy(): StrategyName {
    return this.#name
  }

  /** The ready servers. */
  get servers(): readonly RoutedServer[] {
    return this.#views
  }

  /** Whether rooms, not users, decide: then users follow their room, and their number is not evened out. */
  get byRoom(): boolean {
    return this.#strategy.byRoom ?? false
  }

  /** Changes the strategy by which the next users are placed. */
  setStrategy(name: StrategyName): void {
    this.#strategy = createStrategy(name, this.#rng.stream(name))
    this.#name = name
    this.#update()
  }

  /**
   * A ready server that has room: the one that was asked for, if it is one, or the one that the strategy chooses. Of a full one the
   * next takes the place, so that a room that is bound to it stays together, too.
   */
  place(room: string | undefined, to: number | undefined): Choice {
    const views = this.#views
    if (views.length === 0) return 'not-ready'
    if (to !== undefined && views.some(({ id, free }) => id === to && free > 0)) return to
    const user = ++this.#arrivals
    const index = this.#strategy.pick(views, { user, room: room === undefined ? user : roomNumber(room) })
    for (let i = 0; i < views.length; i++) {
      const { id, free } = views[(index + i) % views.length]!
      if (free > 0) return id
    }
    return 'full'
  }

  #update(): void {
    this.#views = this.#fleet.ready.map((server) => {
      const { users, free } = this.#figures
      return {
        id: server.id,
        weight: server.weight,
        get load() {
          return users(server)
        },
        get free() {
          return free(server)
        },
      }
    })
    if (this.#views.length > 0) this.#strategy.update?.(this.#views)
  }
}
