import { z } from 'zod'
import type { Cancel, Clock } from '../base/clock.ts'
import { messageOf } from '../base/errors.ts'
import { inTime } from '../base/in-time.ts'
import { madeInCode, type OptionsOf, option, optionSet } from '../base/options.ts'
import { Signal } from '../base/signal.ts'
import type { Provider, ProviderFactory, ServerId, ServerRef } from './provider.ts'
import { Server, type ServerLife } from './server.ts'

/** What a config file may say of the servers of a fleet. */
export const weightsShape = {
  weights: option(
    z.array(z.number().positive()).min(1),
    'sizes of the servers in the order of their launch, repeated; a server of weight 2 works on twice as many messages at once, and gets twice as much from a balancer that uses weights; default 1 each',
  ),
}

const fleetOptions = optionSet({
  ...weightsShape,
  replaceFailed: option(
    z.boolean(),
    'launches another server for each that fails: at once, or later and later (1, 2, 4 … 60 s) when the new ones fail within half a minute; no server whose platform replaces it by itself',
    false,
  ),
  onProblem: option(
    madeInCode<(reason: string) => void>('a function'),
    'is called with what the provider reports that ends no server, and with what it throws; default: it throws',
  ),
})

/** Options of a fleet. */
export type FleetOptions = OptionsOf<typeof fleetOptions.shape>

/** Seconds that a server must have been ready to count as a good one. */
const PROVEN_SECONDS = 30
const MAX_BACKOFF_SECONDS = 60
/** Milliseconds that a provider has to release the servers. */
const CLOSE_MS = 60_000

/** The servers, and the only way to change how many there are. */
export class Fleet {
  /** Every server that is not gone, in order of id: starting, ready and draining. */
  readonly servers: Server[] = []
  /** Those that take users, in order of id. A new array after each change. */
  ready: readonly Server[] = []
  /** Servers that are desired: starting + ready. */
  desiredCount = 0
  readonly #clock: Clock
  readonly #provider: Provider
  readonly #onProblem: ((reason: string) => void) | undefined
  readonly #changes = new Signal<Server>()
  readonly #weights: readonly number[]
  readonly #replaceFailed: boolean
  /** Launches that wait for their time. */
  readonly #delayed = new Map<ServerId, Cancel>()
  #nextId = 1
  /** Failures one after another, of servers that were not proven yet. */
  #failures = 0
  #closed = false

  constructor(clock: Clock, provider: ProviderFactory, options: FleetOptions = {}) {
    this.#clock = clock
    const { weights = [1], replaceFailed, onProblem } = fleetOptions.parse(options)
    this.#weights = weights
    this.#onProblem = onProblem
    this.#provider = provider({
      starting: (ref) => this.#starting(ref),
      ready: (ref) => this.#move(ref, 'ready'),
      draining: (ref) => this.#move(ref, 'draining'),
      stopped: (ref) => this.#move(ref, 'stopped'),
      failed: (ref, reason) => this.#failed(ref, reason),
      coming: (count) => this.#coming(count),
      problem: onProblem ?? (() => {}),
      busyUntil: (ref) => this.#byRef(ref)?.work?.busyUntil() ?? this.#clock.now(),
      users: (ref) => this.#byRef(ref)?.users ?? 0,
    })
    this.#replaceFailed = replaceFailed && !this.#provider.replacesFailed
  }

  /** Calls `listener` after every later change of a server's state. Returns the function that unsubscribes it. */
  onChange(listener: (server: Server) => void): () => void {
    return this.#changes.subscribe(listener)
  }

  /** Adopts the servers that run already, where the provider's outlive this process. */
  async start(): Promise<void> {
    await this.#provider.start?.()
  }

  /** Has at least `size` servers from the beginning; to be called before the run begins. */
  begin(size: number): void {
    this.#launch(size - this.desiredCount, { initial: true })
  }

  /**
   * Launches or drains servers until `size` are desired. Scale-in chooses first those that still start, then those with
   * the fewest users, then the newest.
   */
  scaleTo(size: number): void {
    this.#launch(size - this.desiredCount)
    // Each is asked for once: what a provider cannot drain is still desired, and chosen again by the next decision.
    for (let left = this.desiredCount - size; left > 0; left--) {
      const server = this.#cheapest()
      if (this.drain(server.id)) continue
      // One that still starts has no users: it is gone at once.
      this.#end(server)
      this.#cancelLaunch(server)
    }
  }

  /**
   * Drains this very server; another is launched only when the fleet is scaled out again.
   * @returns whether there is such a server that takes users
   */
  drain(id: ServerId): boolean {
    const server = this.#byId(id)
    if (server?.state !== 'ready' || server.ref === undefined) return false
    server.life = drained(server)
    this.#changed(server)
    const { ref } = server
    this.#ask(
      `drain ${ref}`,
      () => this.#provider.drain(ref),
      () => this.#move(ref, 'ready'), // it may be chosen again
    )
    return true
  }

  /**
   * Drains this very server, and launches another in its place.
   * @returns whether there is such a server that takes users
   */
  replace(id: ServerId): boolean {
    if (this.#byId(id)?.state !== 'ready') return false
    this.#launch(1)
    return this.drain(id)
  }

  /**
   * Ends this very server without letting it finish, as a failure would.
   * @returns whether there is such a server that runs
   */
  kill(id: ServerId): boolean {
    const server = this.#byId(id)
    if (server?.ref === undefined) return false
    const { ref } = server
    server.killedByHand = true
    this.#ask(`kill ${ref}`, () => this.#provider.kill(ref))
    return true
  }

  /** Releases every server: those that live only with this process end. */
  async close(): Promise<void> {
    this.#closed = true
    for (const cancel of this.#delayed.values()) cancel()
    const closed = (async () => this.#provider.close())()
    const onProblem = this.#onProblem
    if (onProblem)
      await inTime(closed, CLOSE_MS).catch((error) => onProblem(`cannot release: ${messageOf(error)}`))
    else await closed
  }

  /** The provider may be anybody's code: `failed` takes back what was expected of it. */
  #ask(what: string, act: () => unknown, failed: () => void = () => {}): void {
    const onProblem = this.#onProblem
    if (!onProblem) {
      act()
      return
    }
    const report = (error: unknown) => {
      onProblem(`cannot ${what}: ${messageOf(error)}`)
      failed()
    }
    try {
      const returned = act()
      if (returned instanceof Promise) returned.catch(report)
    } catch (error) {
      report(error)
    }
  }

  #launch(count: number, options: { initial?: boolean } = {}): void {
    if (!(count > 0)) return
    const added: Server[] = []
    for (let i = 0; i < count; i++) added.push(this.#add())
    this.#askToLaunch(added, options)
  }

  #askToLaunch(added: readonly Server[], options?: { initial?: boolean }): void {
    const { length } = added
    this.#ask(
      `launch ${length === 1 ? 'a server' : `${length} servers`}`,
      () => this.#provider.launch(length, options),
      () => {
        for (const server of added) if (server.ref === undefined) this.#fail(server, 'it was not launched')
      },
    )
  }

  #launchLater(delay: number): void {
    const server = this.#add()
    const launch = () => {
      this.#delayed.delete(server.id)
      this.#askToLaunch([server])
    }
    this.#delayed.set(server.id, this.#clock.at(this.#clock.now() + delay, launch))
  }

  #add(): Server {
    const id = this.#nextId++
    const weight = this.#weights[(id - 1) % this.#weights.length]!
    const server = new Server(id, weight, this.#clock.now())
    this.servers.push(server)
    this.#changed(server)
    return server
  }

  #cancelLaunch({ id, ref }: Server): void {
    const cancel = this.#delayed.get(id)
    this.#delayed.delete(id)
    if (cancel) cancel()
    else if (ref === undefined) this.#ask('cancel a launch', () => this.#provider.cancel(1))
    else this.#ask(`drain ${ref}`, () => this.#provider.drain(ref))
  }

  /** Servers that were launched and have no name yet, in order of id. */
  #unnamed(): Server[] {
    return this.servers.filter(({ id, ref }) => ref === undefined && !this.#delayed.has(id))
  }

  #starting(ref: ServerRef): ServerId {
    const server = this.#byRef(ref) ?? this.#unnamed()[0] ?? this.#add()
    server.ref = ref
    return server.id
  }

  #coming(count: number): void {
    if (this.#closed) return
    const unnamed = this.#unnamed()
    for (let i = unnamed.length; i < count; i++) this.#add()
    for (const server of unnamed.slice(count)) this.#end(server)
  }

  #failed(ref: ServerRef, reason: string): void {
    const server = this.#byRef(ref)
    if (server) this.#fail(server, reason)
  }

  #fail(server: Server, reason: string): void {
    if (this.#closed || !this.servers.includes(server)) return
    const desired = server.state !== 'draining'
    const age = this.#clock.now() - (server.readyAt ?? Number.POSITIVE_INFINITY)
    if (age > PROVEN_SECONDS) this.#failures = 0
    this.#end(server, reason)
    if (!desired || !this.#replaceFailed) return
    const delay = this.#failures === 0 ? 0 : Math.min(MAX_BACKOFF_SECONDS, 2 ** (this.#failures - 1))
    this.#failures++
    if (delay === 0) this.#launch(1)
    else this.#launchLater(delay)
  }

  #byId(id: ServerId): Server | undefined {
    return this.servers.find((server) => server.id === id)
  }

  #byRef(ref: ServerRef): Server | undefined {
    return this.servers.find((server) => server.ref === ref)
  }

  #cheapest(): Server {
    const desired = this.servers.filter((server) => server.state !== 'draining')
    const rank = (server: Server) => (server.state === 'starting' ? -1 : server.users)
    return desired.reduce((best, server) => (rank(server) <= rank(best) ? server : best))
  }

  #move(ref: ServerRef, state: 'ready' | 'draining' | 'stopped'): void {
    const server = this.#byRef(ref)
    if (!server || this.#closed || server.state === state) return
    if (state === 'stopped') {
      this.#end(server)
      return
    }
    server.life =
      state === 'draining' ? drained(server) : { state, readyAt: server.readyAt ?? this.#clock.now() }
    this.#changed(server)
  }

  /** Ends it: stopped, or failed where there is a reason. */
  #end(server: Server, reason?: string): void {
    const { readyAt } = server
    const ended = { ...(readyAt !== undefined && { readyAt }), endedAt: this.#clock.now() }
    server.life =
      reason === undefined ? { state: 'stopped', ...ended } : { state: 'failed', ...ended, reason }
    this.servers.splice(this.servers.indexOf(server), 1)
    this.#changed(server)
  }

  #changed(server: Server): void {
    this.ready = this.servers.filter((each) => each.state === 'ready')
    this.desiredCount = this.servers.filter((each) => each.state !== 'draining').length
    this.#changes.emit(server)
  }
}

function drained({ readyAt }: Server): ServerLife {
  return { state: 'draining', ...(readyAt !== undefined && { readyAt }) }
}
