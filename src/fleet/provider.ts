/** Names a server for its whole life; never used twice in a fleet. Counts from 1. */
export type ServerId = number

/** What a provider reports back about the servers it was asked for, and may ask. */
export interface ServerLifecycle {
  /** The server can take users now. */
  ready(id: ServerId): void
  /** The server is gone as asked, with nothing left on it. */
  stopped(id: ServerId): void
  /** The server could not start, or is gone without being asked. */
  failed(id: ServerId, reason: string): void
  /** When the work that the server has now will be done, seconds on the run's clock, as far as is known. */
  busyUntil(id: ServerId): number
}

/** Launches and stops servers. Calls return at once; what happened comes back through `ServerLifecycle`. */
export interface Provider {
  readonly name: string
  /**
   * Starts a server: later `ready` or `failed`. One that is `standing` belongs to the fleet that the run begins with: a
   * simulated provider has it ready at once.
   */
  launch(id: ServerId, standing: boolean): void
  /** Lets a server finish what it has and stop: later `stopped` or `failed`. Also cancels one that still starts. */
  drain(id: ServerId): void
  /** Ends a server without letting it finish: later `failed`. */
  kill(id: ServerId): void
  /** Ends every server that is left, at once; resolves when none is. */
  close(): Promise<void>
}

/** Makes the provider for one fleet, which it reports to. */
export type ProviderFactory = (lifecycle: ServerLifecycle) => Provider
