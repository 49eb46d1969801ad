import { z } from 'zod'
import { type OptionsOf, option, optionSet } from '../base/options.ts'
import type { Server } from '../fleet/server.ts'
import { MapFunction, type OperatorContext } from '../pipeline/functions.ts'
import type { MembershipItem, RoutedItem, ScaledItem, UserMessage } from '../pipeline/items.ts'
import { createStrategy } from './strategies.ts'
import type { BalancedServer, PlacementRequest, Strategy } from './strategy.ts'
import { STRATEGY_NAMES, type StrategyName } from './strategy-names.ts'

/** What a config file may say of the balancer. */
export const balancerOptions = optionSet({
  strategy: option(z.enum(STRATEGY_NAMES), 'how a server is picked', 'round-robin'),
  routing: option(
    z.enum(['sticky', 'message']),
    'sticky: a user stays on its server; message: every message is routed by itself',
    'sticky',
  ),
})

/** Options of the balancer. */
export type LoadBalancerOptions = OptionsOf<typeof balancerOptions.shape>

/**
 * Picks the server for a user or a message among the ready ones of the fleet.
 *
 * Sticky users: those of a lost server move to others at once, those of a draining one when its drain window is over; when a server becomes ready, as many users
 * move to it as make its share (or as the strategy places there, when it places by room).
 */
export class LoadBalancer extends MapFunction<ScaledItem, RoutedItem> {
  readonly routing: 'sticky' | 'message'
  /** Users that were moved from one server to another since the run began. */
  moves = 0
  #strategyName: StrategyName
  #strategy!: Strategy
  #context!: OperatorContext
  #servers: readonly Server[] = []
  #views: BalancedServer[] = []
  /** By user: its server and room; only of users that are here. */
  readonly #homes: (Server | undefined)[] = []
  readonly #rooms: number[] = []
  readonly #here: boolean[] = []
  readonly #drainWindow: number
  readonly #routed = {
    kind: 'message' as const,
    time: 0,
    user: 0,
    room: 0,
    server: undefined as Server | undefined,
  }

  /** @param drainWindow seconds for which a server that drains keeps its users */
  constructor(options: LoadBalancerOptions = {}, drainWindow = 0) {
    super()
    this.#drainWindow = drainWindow
    const { strategy, routing } = balancerOptions.parse(options)
    this.routing = routing
    this.#strategyName = strategy
  }

  override open(context: OperatorContext): void {
    this.#context = context
    this.setStrategy(this.#strategyName)
    context.fleet.onChange((server) => this.#fleetChanged(server))
    this.#fleetChanged()
  }

  get strategy(): StrategyName {
    return this.#strategyName
  }

  /** Changes the strategy, also while running: users stay where they are, the next ones are placed by it. */
  setStrategy(name: StrategyName): void {
    this.#strategy = createStrategy(name, this.#context.rng.stream(name))
    this.#strategyName = name
    if (this.#views.length > 0) this.#strategy.update?.(this.#views)
  }

  execute(item: ScaledItem): RoutedItem {
    if (item.kind === 'message') {
      const routed = this.#routed
      routed.time = item.time
      routed.user = item.user
      routed.room = item.room
      routed.server = this.routing === 'message' ? this.#pick(item) : this.#homeOf(item)
      return routed
    }
    if (this.routing === 'sticky') {
      if (item.kind === 'join') this.#join(item)
      else if (item.kind === 'leave') this.#leave(item.user)
    }
    return item
  }

  #pick(placement: PlacementRequest): Server | undefined {
    if (this.#views.length === 0) return undefined
    return this.#servers[this.#strategy.pick(this.#views, placement)]
  }

  #homeOf(message: UserMessage): Server | undefined {
    return this.#homes[message.user] ?? this.#place(message.user, message.room)
  }

  #join({ user, room }: MembershipItem): void {
    this.#rooms[user] = room
    this.#here[user] = true
    this.#place(user, room)
  }

  #leave(user: number): void {
    this.#here[user] = false
    this.#assign(user, undefined)
  }

  #place(user: number, room: number): Server | undefined {
    const server = this.#pick({ user, room })
    this.#assign(user, server)
    return server
  }

  #assign(user: number, server: Server | undefined): void {
    const old = this.#homes[user]
    if (old) old.users--
    if (server) server.users++
    this.#homes[user] = server
  }

  #fleetChanged(server?: Server): void {
    this.#servers = this.#context.fleet.ready
    const now = () => this.#context.clock.now()
    const byUsers = this.routing === 'sticky'
    this.#views = this.#servers.map((each) => ({
      id: each.id,
      weight: each.weight,
      get load() {
        return byUsers ? each.users : (each.work?.inFlight(now()) ?? 0)
      },
    }))
    if (this.#views.length > 0) this.#strategy.update?.(this.#views)
    if (!byUsers || !server) return
    if (this.#strategy.byRoom) this.#followRooms()
    else if (server.state === 'ready') this.#fill(server)
    else if (server.state === 'draining' && this.#drainWindow > 0) this.#emptyLater(server)
    else if (server.state !== 'starting') this.#empty(server)
  }

  #move(user: number, server: Server | undefined): void {
    if (server === this.#homes[user]) return
    if (this.#homes[user] && server) this.moves++
    this.#assign(user, server)
  }

  #followRooms(): void {
    for (let user = 0; user < this.#here.length; user++) {
      if (this.#here[user]) this.#move(user, this.#pick({ user, room: this.#rooms[user]! }))
    }
  }

  #emptyLater(server: Server): void {
    const { clock } = this.#context
    clock.at(clock.now() + this.#drainWindow, () => {
      if (server.state === 'draining') this.#empty(server)
    })
  }

  #empty(server: Server): void {
    for (let user = 0; user < this.#here.length && server.users > 0; user++) {
      if (this.#homes[user] === server) this.#move(user, this.#pick({ user, room: this.#rooms[user]! }))
    }
  }

  /** Takes users from servers that have more than their share until the new one has its own. */
  #fill(server: Server): void {
    let users = 0
    let weight = 0
    for (const each of this.#servers) {
      users += each.users
      weight += each.weight
    }
    const share = (each: Server) => (users * each.weight) / weight
    const fairShare = Math.floor(share(server))
    for (let user = 0; user < this.#here.length && server.users < fairShare; user++) {
      const home = this.#homes[user]
      if (home && home !== server && home.users > share(home)) this.#move(user, server)
    }
  }
}
