import { createStrategy, requireStrategyName } from '../balancing/strategies.ts'
import type { BalancedServer, Strategy } from '../balancing/strategy.ts'
import type { StrategyName } from '../balancing/strategy-names.ts'
import { hash, type Rng } from '../base/rng.ts'
import type { Fleet } from '../fleet/fleet.ts'
import type { Server } from '../fleet/server.ts'
import type { Choice } from './arrivals.ts'

/** What the router needs to know of servers. */
export interface ServerFigures {
  /** Users on a server now, those on their way to it included. */
  users(server: Server): number
  /** Whether it has as many connections as it may have. */
  full(server: Server): boolean
}

interface RoutedServer extends BalancedServer {
  readonly full: boolean
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

  /** Whether rooms, not users, decide: then users are not moved to even out their number. */
  get byRoom(): boolean {
    return this.#strategy.byRoom ?? false
  }

  /** Changes the strategy: users stay where they are, the next ones are placed by it. */
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
    if (to !== undefined && views.some(({ id, full }) => id === to && !full)) return to
    const user = ++this.#arrivals
    const index = this.#strategy.pick(views, { user, room: room === undefined ? user : hash(room) })
    for (let i = 0; i < views.length; i++) {
      const { id, full } = views[(index + i) % views.length]!
      if (!full) return id
    }
    return 'full'
  }

  #update(): void {
    this.#views = this.#fleet.ready.map((server) => {
      const { users, full } = this.#figures
      return {
        id: server.id,
        weight: server.weight,
        get load() {
          return users(server)
        },
        get full() {
          return full(server)
        },
      }
    })
    if (this.#views.length > 0) this.#strategy.update?.(this.#views)
  }
}
