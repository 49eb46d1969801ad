import { setTimeout as sleep } from 'node:timers/promises'
import { failureWords } from '../fleet/failure-words.ts'
import type { Provider, ProviderFactory, ServerLifecycle, ServerRef } from '../fleet/provider.ts'
import type { Bus } from './broker.ts'
import type { ClusterServers } from './cluster-servers.ts'
import { commandTopic, type ServerCommand, type ServerStatus } from './messages.ts'

/** Starts and kills server processes; what becomes of them is seen on the bus. */
export interface ServerLauncher {
  /** Starts a process that will report by the name `ref`. `onExit` is called if it ends before it was ready. */
  launch(ref: ServerRef, onExit: (reason: string) => void): void
  /** @returns whether the process is one that can be killed from here */
  kill(status: ServerStatus): boolean
}

export interface BusProviderOptions {
  readonly name: string
  readonly bus: Bus
  readonly servers: ClusterServers
  /** Without it, servers are started elsewhere, and adopted. */
  readonly launcher?: ServerLauncher | undefined
  /** Servers that the last leader launched and that have not reported yet. */
  coming?(): readonly ServerRef[]
  /** The window in which the users of a server leave, seconds. */
  drainSeconds(ref: ServerRef): number
}

const CHECK_MS = 500
/** Checks within which a server that was launched must report. */
const STARTING_CHECKS = 60

/** Servers as they report themselves on the bus: adopted when they appear, drained by a command, gone when they are silent. */
export function busProvider(options: BusProviderOptions): ProviderFactory {
  return (lifecycle) => new BusProvider(options, lifecycle)
}

class BusProvider implements Provider {
  readonly name: string
  readonly #options: BusProviderOptions
  readonly #lifecycle: ServerLifecycle
  /** By server that was launched and has not reported yet: checks since. */
  readonly #starting = new Map<ServerRef, number>()
  readonly #known = new Set<ServerRef>()
  /** Servers that are to drain and do not do so yet. */
  readonly #draining = new Set<ServerRef>()
  readonly #stops: (() => void)[] = []
  #timer: NodeJS.Timeout | undefined
  #launched = 0
  #closed = false

  constructor(options: BusProviderOptions, lifecycle: ServerLifecycle) {
    this.name = options.name
    this.#options = options
    this.#lifecycle = lifecycle
  }

  /** Adopts the servers that report, once all that run must have done so. */
  async start(): Promise<void> {
    const { servers } = this.#options
    while (!servers.complete && !this.#closed) await sleep(100)
    if (this.#closed) return
    for (const status of servers.current) this.#onStatus(status)
    for (const ref of this.#options.coming?.() ?? []) {
      if (this.#known.has(ref)) continue
      this.#starting.set(ref, 0)
      this.#lifecycle.starting(ref)
    }
    this.#stops.push(
      servers.statuses.subscribe((status) => this.#onStatus(status)),
      servers.silent.subscribe((status) => this.#onSilent(status)),
    )
    this.#timer = setInterval(() => this.#check(), CHECK_MS)
  }

  launch(count: number): void {
    const { launcher } = this.#options
    if (!launcher) {
      this.#lifecycle.problem(`${count} more servers are needed, and have to be started by hand`)
      return
    }
    for (let i = 0; i < count; i++) {
      const ref = `${this.name}-${process.pid}-${Date.now().toString(36)}-${++this.#launched}`
      this.#starting.set(ref, 0)
      this.#lifecycle.starting(ref)
      launcher.launch(ref, (reason) => this.#neverReady(ref, reason))
    }
  }

  cancel(): void {} // a launch has its name at once, where there is a launcher

  drain(ref: ServerRef): void {
    this.#draining.add(ref)
    this.#command(ref)
  }

  kill(ref: ServerRef): void {
    const status = this.#options.servers.status(ref)
    if (status && this.#options.launcher?.kill(status)) return
    this.#lifecycle.problem(`${ref} cannot be killed from here: it runs elsewhere`)
  }

  async close(): Promise<void> {
    this.#closed = true
    clearInterval(this.#timer)
    for (const stop of this.#stops) stop()
  }

  #command(ref: ServerRef): void {
    const command: ServerCommand = { type: 'drain', seconds: this.#options.drainSeconds(ref) }
    this.#options.bus.publish(commandTopic(ref), JSON.stringify(command))
  }

  #neverReady(ref: ServerRef, reason: string): void {
    if (!this.#starting.delete(ref)) return
    this.#draining.delete(ref)
    this.#lifecycle.failed(ref, reason)
  }

  #onStatus({ ref, state }: ServerStatus): void {
    if (state === 'stopped') {
      if (this.#known.delete(ref) || this.#starting.delete(ref)) this.#lifecycle.stopped(ref)
      this.#draining.delete(ref)
      return
    }
    this.#starting.delete(ref)
    if (!this.#known.has(ref)) {
      this.#known.add(ref)
      this.#lifecycle.starting(ref)
    }
    if (state === 'draining') {
      this.#draining.delete(ref)
      this.#lifecycle.draining(ref)
    } else if (!this.#draining.has(ref)) this.#lifecycle.ready(ref)
  }

  #onSilent(status: ServerStatus): void {
    const { ref } = status
    this.#options.launcher?.kill(status)
    this.#draining.delete(ref)
    if (this.#known.delete(ref)) this.#lifecycle.failed(ref, failureWords.say('noStatus'))
  }

  #check(): void {
    if (!this.#options.bus.connected) return
    // A command may have been lost.
    for (const ref of this.#draining) if (this.#known.has(ref)) this.#command(ref)
    for (const [ref, checks] of this.#starting) {
      if (checks >= STARTING_CHECKS)
        this.#neverReady(ref, failureWords.say('notReady', { seconds: (STARTING_CHECKS * CHECK_MS) / 1000 }))
      else this.#starting.set(ref, checks + 1)
    }
  }
}
