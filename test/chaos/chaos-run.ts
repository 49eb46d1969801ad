import { setTimeout as sleep } from 'node:timers/promises'
import { virtualClock } from '../../src/base/clock.ts'
import { exponential } from '../../src/base/distribution.ts'
import { Histogram } from '../../src/base/histogram.ts'
import { type Rng, seededRng } from '../../src/base/rng.ts'
import { VirtualUsers } from '../../src/load/virtual-users.ts'
import { LocalEnvironment } from '../../src/pipeline/local-environment.ts'
import { constant } from '../../src/traffic/patterns/constant.ts'
import { UserTrafficSource } from '../../src/traffic/user-traffic-source.ts'
import { type CheckReport, HistoryChecker, type LoggedMessage } from '../../src/verify/checker.ts'
import type { HistoryEvent } from '../../src/verify/events.ts'
import { Crowd, type CrowdOptions } from './crowd.ts'

export interface ChaosOptions {
  seed: number
  seconds: number
  users: number
  /** Seconds between two events, on average. */
  every: number
  /** Mean seconds between two messages of a user; default 0.5. */
  thinkTime?: number
  /** Users of a room, on average; default 10. */
  roomSize?: number
  /** Beside the others, users who send as much as the system takes; default none. */
  crowd?: CrowdOptions
  /** Ends the run early when it returns true, at any event. */
  enough?: (acked: number, events: number) => boolean
  write?: (line: string) => void
}

export interface ChaosReport<Kind extends string> {
  readonly checks: CheckReport
  readonly events: ReadonlyMap<Kind, number>
  /** Seconds that users were without a connection, by the event that is held to have caused it. */
  readonly gaps: ReadonlyMap<Kind, Histogram>
  readonly moved: number
  readonly failed: number
}

/** What was done, and when. */
export interface Happened<Kind extends string> {
  readonly kind: Kind
  /** Of `performance.now()`. */
  readonly at: number
}

export type Act = () => Promise<void> | void

type CauseOf<Kind extends string> = (from: number, happened: readonly Happened<Kind>[]) => Kind | undefined

/** The last event before the connection was lost. */
function lastBefore<Kind extends string>(
  from: number,
  happened: readonly Happened<Kind>[],
): Kind | undefined {
  return happened.findLast(({ at }) => at <= from)?.kind
}

/** Users who write and read while something is done to the system; a checker compares what they saw with the log. */
export class ChaosRun<Kind extends string> {
  /** Of the events, apart from that of the traffic. */
  readonly rng: Rng
  /** Rooms that a user was in. */
  readonly rooms: ReadonlySet<string>
  readonly #options: ChaosOptions
  readonly #checker = new HistoryChecker()
  readonly #users: VirtualUsers
  readonly #crowd: Crowd | undefined
  readonly #gaps = new Map<Kind, Histogram>()
  readonly #events = new Map<Kind, number>()
  readonly #happened: Happened<Kind>[] = []
  readonly #rooms = new Set<string>()

  /**
   * @param url of the chat
   * @param causeOf which event cut a connection off at a moment; default the last one
   */
  constructor(url: string, options: ChaosOptions, causeOf: CauseOf<Kind> = lastBefore) {
    this.#options = options
    this.rooms = this.#rooms
    this.rng = seededRng(options.seed).stream('chaos')
    this.#users = new VirtualUsers({
      url,
      name: 'chaos',
      onEvent: this.record,
      onOutage: (from, to) => {
        const cause = causeOf(from, this.#happened)
        if (!cause) return
        if (!this.#gaps.has(cause)) this.#gaps.set(cause, new Histogram())
        this.#gaps.get(cause)!.record((to - from) / 1000)
      },
    })
    this.#crowd = options.crowd && new Crowd(url, 'chaos', options.crowd, this.record)
  }

  get #acked(): number {
    return this.#users.counts.acked + (this.#crowd?.acked ?? 0)
  }

  /** Adds what a user did or saw to the history that is checked. */
  readonly record = (event: HistoryEvent): void => {
    if (event.type === 'join') this.#rooms.add(event.room)
    this.#checker.record(event)
  }

  /**
   * Does each kind of `acts` once in their order, then kinds by chance, until the time is over or it is enough.
   * @param afterwards to be undone or awaited before the users are asked whether they have everything
   */
  async run(acts: Readonly<Partial<Record<Kind, Act>>>, afterwards: () => unknown): Promise<void> {
    const { seconds, every, enough, write = () => {} } = this.#options
    const kinds = Object.keys(acts) as Kind[]
    const ending = new AbortController()
    const traffic = this.#talk(ending.signal)
    let done = false
    const end = () => {
      done = true
    }
    traffic.then(end, end)
    const began = performance.now()
    const elapsed = () => (performance.now() - began) / 1000
    for (let n = 0; !done; n++) {
      await sleep(n === 0 ? 1500 : this.rng.exponential(every) * 1000)
      if (done || elapsed() > seconds - 1 || enough?.(this.#acked, n)) break
      const kind = kinds[n < kinds.length ? n : this.rng.below(kinds.length)]!
      this.#events.set(kind, (this.#events.get(kind) ?? 0) + 1)
      this.#happened.push({ kind, at: performance.now() })
      write(`${elapsed().toFixed(1)} s: ${kind}, ${this.#acked} acknowledged`)
      await acts[kind]!()
    }
    if (enough) ending.abort()
    await traffic
    await afterwards()
    await this.#crowd?.settle()
    await this.#users.waitForDeliveries()
  }

  #talk(signal: AbortSignal): Promise<unknown> {
    const { seed, seconds, users, thinkTime = 0.5, roomSize = 10 } = this.#options
    return new LocalEnvironment('chaos', { clock: virtualClock({ pace: 1 }), seed })
      .fromBatch(UserTrafficSource, {
        pattern: constant({ users }),
        duration: seconds,
        thinkTime: exponential(thinkTime),
        session: exponential(20),
        rooms: Math.max(1, Math.round(users / roomSize)),
      })
      .sink(this.#users)
      .submit({ signal })
  }

  /** Compares what the users sent and saw with the log. */
  check(log: Iterable<LoggedMessage>): ChaosReport<Kind> {
    const { moved, failed } = this.#users.counts
    return { checks: this.#checker.check(log), events: this.#events, gaps: this.#gaps, moved, failed }
  }

  end(): void {
    this.#users.end()
    this.#crowd?.end()
  }
}
