import type { KeyValueStore, Versioned } from './broker.ts'

/** Who leads; without an id there is no leader. */
interface LeaderRecord {
  readonly id: string
  /** Where its dashboard is. */
  readonly url?: string
}

export interface LeadershipEvents {
  /** It leads from now on, until `onLost`. */
  onWon(): void
  onLost(): void
}

const CHECK_MS = 500
/** Checks without a renewal after which the leader counts as gone: counted, not timed, since the clock may stand still. */
const LEASE_CHECKS = 6
/** Milliseconds since it last asked for a renewal that succeeded, within which a leader still leads. */
const BELIEF_MS = CHECK_MS * LEASE_CHECKS * 0.8
const KEY = 'leader'

/**
 * One leader among any number of processes, by a value in the broker that the leader rewrites twice per second. Who finds it
 * unchanged in six of its own checks takes over by compare-and-set. A leader that could not renew for 2.4 s, because it was paused
 * or the broker is away, stops leading by itself before another one can begin.
 */
export class Leadership {
  readonly #store: KeyValueStore
  readonly #self: LeaderRecord
  readonly #events: LeadershipEvents
  #timer: NodeJS.Timeout | undefined
  #watchdog: NodeJS.Timeout | undefined
  #seen: Versioned | undefined
  #unchanged = 0
  #version = 0
  #renewedAt = -Infinity
  #role: 'follower' | 'leader' | 'closed' = 'follower'
  #asking = false

  constructor(store: KeyValueStore, self: Required<LeaderRecord>, events: LeadershipEvents) {
    this.#store = store
    this.#self = self
    this.#events = events
  }

  /** Whether it leads at this very moment. */
  get leads(): boolean {
    if (this.#role === 'leader' && performance.now() - this.#renewedAt > BELIEF_MS) this.#lost()
    return this.#role === 'leader'
  }

  /** Where the dashboard of the leader is, as far as this process has seen. */
  get leaderUrl(): string | undefined {
    return this.#seen && recordOf(this.#seen).url
  }

  start(): void {
    this.#timer = setInterval(() => void this.#check(), CHECK_MS)
    this.#watchdog = setInterval(() => this.leads, CHECK_MS / 5)
    void this.#check()
  }

  /** Stops, and lets another take over at once. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    clearInterval(this.#watchdog)
    const led = this.leads
    if (led) this.#lost()
    this.#role = 'closed'
    if (!led) return
    await this.#store
      .put(KEY, JSON.stringify({ id: '' } satisfies LeaderRecord), this.#version)
      .catch(() => {})
  }

  async #check(): Promise<void> {
    if (this.#asking) return
    this.#asking = true
    try {
      if (this.leads) await this.#write()
      else await this.#watch()
    } catch {
      // The broker is away: a leader stops after a while, the others wait.
    } finally {
      this.#asking = false
    }
  }

  async #watch(): Promise<void> {
    const seen = await this.#store.get(KEY)
    if (seen?.version !== this.#seen?.version) this.#unchanged = 0
    this.#seen = seen
    const free = !seen || recordOf(seen).id === ''
    if (!free && ++this.#unchanged < LEASE_CHECKS) return
    this.#version = seen?.version ?? 0
    await this.#write()
  }

  async #write(): Promise<void> {
    if (this.#role === 'closed') return
    const asked = performance.now()
    const version = await this.#store.put(KEY, JSON.stringify(this.#self), this.#version)
    if (version === undefined) {
      this.#unchanged = 0
      if (this.#role === 'leader') this.#lost()
      return
    }
    this.#version = version
    this.#renewedAt = asked
    if (this.#role !== 'follower' || performance.now() - asked > BELIEF_MS) return
    this.#role = 'leader'
    this.#events.onWon()
  }

  #lost(): void {
    this.#role = 'follower'
    this.#unchanged = 0
    this.#events.onLost()
  }
}

const recordOf = ({ text }: Versioned): LeaderRecord => JSON.parse(text) as LeaderRecord
