import { z } from 'zod'
import { requireNumber } from '../../../base/errors.ts'
import { atLeastZero, option } from '../../../base/options.ts'
import { specKind } from '../../../base/spec-kind.ts'
import { excessOfLine } from '../../../traffic/excess.ts'
import { DelayMeter } from '../../delay-meter.ts'
import { unknownLoad } from '../../metric.ts'
import type { Policy, Recommendation } from '../../types.ts'
import { OverloadBudget } from './budget.ts'
import { MARGINS, Shadows } from './candidate-fleets.ts'
import { Means } from './ensemble.ts'
import { Forecasts, GROUPS } from './forecasts.ts'
import { Pace } from './interval-estimator.ts'
import { Held } from './limit-attribution.ts'

/** All that a user has to say; nothing depends on the traffic. */
export interface SloOptions {
  /** The share of user-time that may be above capacity; 0.001. */
  overload?: number
  /** Users that one server holds; 30. */
  usersPerServer?: number
  /** What a server costs an hour, in any currency; only told in the reasons. */
  serverCost?: number
  /** Seconds from launch to ready; learned from the servers unless told. */
  provisioningDelay?: number
}

/** Unless told. */
const USERS_PER_SERVER = 30
/** What was learned counts for 1/e after four weeks, seconds. */
const MEMORY = 28 * 86_400
/** Nothing is prepared for loads above so many times the highest that was ever seen. */
const MOST_HEADROOM = 2
/** Ticks ahead that are planned at most. */
const MOST_LEAD = 900
/** What the counts of shadow fleets can hold. */
const MOST_SERVERS = 2 ** 31 - 1
/** "The trend goes on": what it falls back to, its errors measured against the load, and the share it then covers. */
const REACTING_GROUP = 6
const REACTING_MARGIN = MARGINS.findIndex(({ share }) => share === 0.95)
/** The share of horizons whose highest load is within the band that is told. */
const BAND = 0.9

/** Every way to scale is presumed to have been wrong once already, by this share of the load for a whole horizon. */
const PRESUMED_MISS = 0.25

/** What is known once the interval is. */
interface Learned {
  readonly forecasts: Forecasts
  readonly shadows: Shadows
  readonly means: Means
  readonly keep: number
}

class Slo {
  readonly #capacity: number
  readonly #cost: number | undefined
  readonly #delay: DelayMeter | undefined
  readonly #knownDelay: number
  readonly #budget: OverloadBudget
  readonly #overload: number
  readonly #needed = new Int32Array(GROUPS * MARGINS.length)
  #learned: Learned | undefined
  #last: { time: number; load: number } | undefined
  readonly #pace = new Pace()
  readonly #held = new Held()
  /** Fleet sizes of the ticks that a server needs to start, and those that were wanted. */
  #sizes: number[] = []
  #wants: number[] = []
  #wanted = 0
  #highest = 0
  #tick = 0
  #reactUntil = 0
  /** Whether it reacts because it knows nothing of late. */
  #afterGap = false

  constructor(options: SloOptions) {
    this.#overload = requireNumber('overload', options.overload ?? 0.001, { above: 0, max: 1 })
    this.#capacity = requireNumber('usersPerServer', options.usersPerServer ?? USERS_PER_SERVER, { above: 0 })
    const { serverCost, provisioningDelay } = options
    this.#cost = serverCost === undefined ? undefined : requireNumber('serverCost', serverCost, { min: 0 })
    this.#delay = provisioningDelay === undefined ? new DelayMeter() : undefined
    this.#knownDelay =
      provisioningDelay === undefined ? 0 : requireNumber('provisioningDelay', provisioningDelay, { min: 0 })
    this.#budget = new OverloadBudget(this.#overload)
  }

  evaluate: Policy['evaluate'] = (observation) => {
    const { time, load, desiredCount } = observation
    this.#delay?.see(observation)
    if (load === undefined || !Number.isFinite(load)) return unknownLoad(observation)
    const elapsed = this.#last && time - this.#last.time
    const passed = this.#pace.see(elapsed)
    if (passed === 'begins') this.#learned = this.#begin(desiredCount)
    this.#highest = Math.max(this.#highest, load, this.#tick === 0 ? desiredCount * this.#capacity : 0)
    this.#tick++
    const before = this.#last
    this.#last = { time, load }
    const servers = Math.max(desiredCount, this.#serversFor(load))
    if (!before || !this.#learned) {
      this.#wanted = servers
      return { servers, reason: `${load.toFixed(0)} users are all it knows yet: what stands stays` }
    }
    const lead = Math.min(
      MOST_LEAD,
      Math.ceil((this.#delay?.seconds ?? this.#knownDelay) / this.#pace.interval - 1e-9),
    )
    if (passed === 'gap') this.#skip(this.#learned, time - before.time, load, desiredCount, lead + 1)
    else this.#settle(this.#learned, before.load, load, desiredCount, lead)
    const recommendation = this.#decide(this.#learned, load, lead + 1)
    this.#wanted = recommendation.servers
    return recommendation
  }

  #begin(size: number): Learned {
    const { interval } = this.#pace
    const memory = Math.max(1, MEMORY / interval)
    return {
      forecasts: new Forecasts(memory, interval),
      shadows: new Shadows(GROUPS, size),
      means: new Means(size),
      keep: 1 - 1 / memory,
    }
  }

  #serversFor(users: number): number {
    return Math.min(MOST_SERVERS, Math.max(1, Math.ceil(users / this.#capacity - 1e-9)))
  }

  /** Of the seconds that passed nothing is known but that this fleet stands at their end. */
  #skip({ forecasts }: Learned, seconds: number, load: number, size: number, horizon: number): void {
    this.#sizes = [size]
    this.#wants = [size]
    if (seconds >= 0 && seconds <= horizon * this.#pace.interval) return
    forecasts.skip(load)
    this.#reactUntil = this.#tick + horizon
    this.#afterGap = true
  }

  /** What the past tick did, to the fleet and to the shadows. */
  #settle({ shadows, means, keep }: Learned, before: number, load: number, size: number, lead: number): void {
    this.#sizes.push(size)
    this.#wants.push(this.#wanted)
    const [over, own] = [this.#sizes, this.#wants].map((servers) => {
      while (servers.length > lead + 1) servers.shift()
      return excessOfLine(before, load, Math.min(...servers) * this.#capacity)
    }) as [number, number]
    const { time } = this.#last!
    const charged = this.#held.charge(time, size, this.#wanted, over, own)
    this.#budget.add(time, (before + load) / 2, over, charged, keep)
    for (const { ledger } of [shadows, means])
      ledger.settle(before / this.#capacity, load / this.#capacity, lead, keep)
  }

  #decide({ forecasts, shadows, means }: Learned, load: number, horizon: number): Recommendation {
    forecasts.see(this.#last!.time, load, horizon, this.#pace.interval)
    const most = MOST_HEADROOM * this.#highest
    for (let g = 0, i = 0; g < GROUPS; g++) {
      for (let s = 0; s < MARGINS.length; s++, i++) {
        this.#needed[i] = this.#serversFor(
          Math.min(most, forecasts.upper(g, s)) - MARGINS[s]!.spared * this.#capacity,
        )
      }
    }
    shadows.want(this.#needed, this.#tick, horizon)
    const { allowed, price } = this.#budget
    const presumption = (PRESUMED_MISS * horizon * forecasts.mean) / this.#capacity
    means.want(shadows, allowed, price, presumption)
    const { group, servers: advised } = means.choose(allowed, presumption)
    if (forecasts.failed(group)) {
      this.#reactUntil = this.#tick + horizon
      this.#afterGap = false
    }
    const reacting = this.#tick < this.#reactUntil
    const reaction = reacting ? this.#needed[REACTING_GROUP * MARGINS.length + REACTING_MARGIN]! : 0
    const servers = Math.max(advised, reaction)
    return this.#explain(forecasts, group, servers, horizon, reacting)
  }

  #explain(
    forecasts: Forecasts,
    group: number,
    servers: number,
    horizon: number,
    reacting: boolean,
  ): Recommendation {
    const expected = forecasts.expected(group)
    const seconds = horizon * this.#pace.interval
    if (!forecasts.known) {
      return {
        servers,
        reason:
          `no ${seconds.toFixed(0)} s are over yet, so it does not know how wrong its forecasts are: ${servers === 1 ? '1 server is' : `${servers} servers are`} room for ` +
          `${(servers * this.#capacity).toFixed(0)} users, ${expected.toFixed(0)} are expected`,
        numbers: { expected, horizon: seconds },
      }
    }
    const room = servers * this.#capacity
    const sure = forecasts.sureness(group, room)
    const worst = Math.max(
      room,
      Math.min(MOST_HEADROOM * this.#highest, forecasts.upper(group, MARGINS.length - 1)),
    )
    const usersOver = worst - room
    const { realised } = this.#budget
    const extra = servers - this.#serversFor(expected)
    const spare = Math.max(0, extra)
    const cost = this.#cost === undefined ? '' : ` (${(spare * this.#cost).toFixed(2)} an hour)`
    const forError =
      extra > 0
        ? `${extra} of these ${extra === 1 ? 'is' : 'are'} for error${cost}`
        : extra === 0
          ? 'none of these is for error'
          : `${-extra} fewer than what it expects would fill`
    const name = `"${forecasts.nameOf(group)}"`
    const why = !reacting
      ? `${name} did best`
      : this.#afterGap
        ? `figures were missing, so it reacts; ${name} did best before`
        : `the load left what ${name} thought possible, so it reacts`
    const percent = (share: number, digits = 3) => `${(share * 100).toFixed(digits)} %`
    return {
      servers,
      reason:
        `${why}: expects at most ${expected.toFixed(0)} users within ${seconds.toFixed(0)} s, and is ${percent(sure, 2)} sure that ` +
        `${servers} ${servers === 1 ? 'server holds' : 'servers hold'} them; ${forError}; at the worst ${usersOver.toFixed(0)} users ` +
        `would be above capacity for ${seconds.toFixed(0)} s; overload so far ${percent(realised)} of ${percent(this.#overload)} allowed`,
      numbers: {
        expected,
        horizon: seconds,
        sure,
        spare,
        worst,
        realisedOverload: realised,
        reacting: Number(reacting),
      },
      forecast: {
        time: this.#last!.time + seconds,
        expected,
        low: Math.min(expected, forecasts.quantile(group, (1 - BAND) / 2)),
        high: Math.max(expected, forecasts.quantile(group, (1 + BAND) / 2)),
        confidence: BAND,
      },
    }
  }
}

/**
 * The cheapest fleet that keeps overload at or below a share of user-time, for people who do not want to tune. Many simple
 * forecasters learn their own errors over the time it takes to get a server; for each, with several margins of these errors
 * and several times to hold servers, a shadow fleet is counted on the load as it comes; the fleet follows a mean of those
 * that would have been cheapest at the overload that may be had. What may be had follows what was had. See `docs/slo.md`.
 * @throws {ConcertinaError} INVALID_INPUT, naming the option.
 */
export function sloPolicy(options: SloOptions = {}): Policy {
  return {
    name: 'slo',
    limits: { cooldown: 0 },
    usersPerServer: options.usersPerServer ?? USERS_PER_SERVER,
    evaluate: new Slo(options).evaluate,
  }
}

export const sloKind = specKind(
  'slo',
  {
    overload: option(z.number().positive().max(1), 'share of user-time that may be above capacity', 0.001),
    usersPerServer: option(z.number().positive(), 'users that one server holds', 30),
    serverCost: option(atLeastZero, 'what a server costs an hour; only told in the reasons'),
    provisioningDelay: option(atLeastZero, 'seconds from launch to ready; learned unless told'),
  },
  sloPolicy,
)
