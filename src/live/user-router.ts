import { createStrategy, requireStrategyName, type StrategyName } from '../balancing/strategies.ts'
import type { BalancedServer, Strategy } from '../balancing/strategy.ts'
import { hash, type Rng } from '../base/rng.ts'
import type { Fleet } from '../fleet/fleet.ts'
import type { ServerId } from '../fleet/provider.ts'
import type { Server } from '../fleet/server.ts'

/** Chooses the server for everybody who comes, among the ready ones of the fleet, by a strategy. */
export class UserRouter {
  readonly #fleet: Fleet
  readonly #users: (server: Server) => number
  readonly #rng: Rng
  #name: StrategyName
  #strategy: Strategy
  #views: BalancedServer[] = []
  #arrivals = 0

  /** @param users how many a server has now, those on their way included */
  constructor(fleet: Fleet, strategy: StrategyName, rng: Rng, users: (server: Server) => number) {
    this.#fleet = fleet
    this.#users = users
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

  /** A ready server; the one that was asked for, if it is; nothing when none is. */
  place(room: string | undefined, to: number | undefined): ServerId | undefined {
    if (this.#views.length === 0) return undefined
    if (to !== undefined && this.#views.some(({ id }) => id === to)) return to
    const user = ++this.#arrivals
    const index = this.#strategy.pick(this.#views, { user, room: room === undefined ? user : hash(room) })
    return this.#views[index]!.id
  }

  #update(): void {
    this.#views = this.#fleet.ready.map((server) => {
      const users = () => this.#users(server)
      return {
        id: server.id,
        weight: server.weight,
        get load() {
          return users()
        },
      }
    })
    if (this.#views.length > 0) this.#strategy.update?.(this.#views)
  }
}
