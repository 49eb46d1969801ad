/** Numbers a server for its whole life in a fleet; never used twice. Counts from 1. */
export type ServerId = number

/** The provider's own name of a server: a pod's, an instance's, a process's. Never used twice. */
export type ServerRef = string

/**
 * What a provider reports to its fleet, and may ask. A server is known from `starting` until `stopped` or `failed`; what
 * is reported of an unknown one is ignored.
 */
export interface ServerLifecycle {
  /**
   * There is a server: the answer to the oldest launch that has none yet, or else one that was found running, which the
   * fleet adopts. Called again for a known server it changes nothing.
   * @returns its number in the fleet
   */
  starting(ref: ServerRef): ServerId
  /** The server can receive users now; also one that was draining and is back in service. */
  ready(ref: ServerRef): void
  /** The server is leaving though the fleet did not drain it: the platform ends it, or another controller did. */
  draining(ref: ServerRef): void
  /** The server is gone after it was drained or cancelled. */
  stopped(ref: ServerRef): void
  /** The server could not start, or ended unexpectedly. */
  failed(ref: ServerRef, reason: string): void
  /**
   * How many servers are on their way that have no name yet, where the platform itself keeps a number of servers alive:
   * those that were launched, and replacements. The fleet counts as many as starting.
   */
  coming(count: number): void
  /** Something an operator should know that ends no server, such as a platform that has no capacity. */
  problem(reason: string): void
  /** When the work that the server has now will be done, seconds on the run's clock, as far as is known. */
  busyUntil(ref: ServerRef): number
  /** Users that are on the server, as far as is known. */
  users(ref: ServerRef): number
}

/**
 * Starts more servers, ends a chosen one, and adopts those it finds running. Calls return at once; what happened
 * is reported through `ServerLifecycle`.
 */
export interface Provider {
  readonly name: string
  /** Whether the platform itself replaces a server that failed. Then the fleet launches none for it. */
  readonly replacesFailed?: boolean
  /** Reports every server that runs already, and resolves; called once, before the first launch. */
  start?(): Promise<void>
  /**
   * Starts `count` more servers: later `starting` for each, then `ready` or `failed`. With `initial` they belong to the
   * fleet that a run begins with: a simulated provider has them ready at once.
   */
  launch(count: number, options?: { initial?: boolean }): void
  /** Takes back `count` launches that `starting` was not reported for. */
  cancel(count: number): void
  /** Lets a server finish what it has and stop: later `stopped` or `failed`. Also cancels one that still starts. */
  drain(ref: ServerRef): void
  /** Ends a server without letting it finish: later `failed`. */
  kill(ref: ServerRef): void
  /**
   * Releases the servers; reports nothing more. Those that live only by this process end with it, and those of a platform
   * run on, to be adopted by the next. Resolves when that is done.
   */
  close(): Promise<void>
}

/** How the servers of a platform are emptied before it ends them. */
export interface DrainHooks {
  /**
   * Moves the users of a server to others; resolves when it is empty. Default: at once, for servers that drain by themselves when
   * they are asked to end.
   */
  readonly empty?: ((server: ServerRef, signal: AbortSignal) => Promise<void>) | undefined
  /** Takes an emptied server back into service, because the platform did not end it. */
  readonly restore?: ((server: ServerRef) => void) | undefined
}

/** What a platform that sees only machines needs from the servers on them. */
export interface ServerHooks extends DrainHooks {
  /**
   * Resolves whether a server serves; default: as soon as its machine runs. It may wait until it does, but not for ever: it is asked
   * again at every look.
   */
  readonly serves?: ((server: ServerRef, signal: AbortSignal) => Promise<boolean>) | undefined
}

/** Makes the provider for one fleet, which it reports to. */
export type ProviderFactory = (lifecycle: ServerLifecycle) => Provider
