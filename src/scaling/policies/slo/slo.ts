import { z } from 'zod'
import { requireNumber } from '../../../base/errors.ts'
import { atLeastZero, option } from '../../../base/options.ts'
import { specKind } from '../../../base/spec-kind.ts'
import { excessOfLine } from '../../../traffic/excess.ts'
import { DelayMeter } from '../../delay-meter.ts'
import { unknownLoad } from '../../metric.ts'
import type { Observation, Policy, Recommendation } from '../../types.ts'
import { CandidateFleets, type CandidateState, type Choice } from './candidate-fleets.ts'
import { explain, type Step } from './explain.ts'
import { BAND, type ForecastState, Forecasts } from './forecasts.ts'
import { IntervalEstimator } from './interval-estimator.ts'

/** All that a user has to say; nothing depends on the traffic. */
export interface SloOptions {
  /** The share of user-time that may be above capacity; 0.001. */
  overload?: number
  /** Users that one server holds; 30. */
  usersPerServer?: number
  /** What a server costs an hour, in any currency; 1. */
  serverCost?: number
  /** What starting a server costs beyond the time it runs, in the same currency; 5 minutes of a server. */
  startCost?: number
  /** What moving a user off a server that ends costs, in the same currency; for a full server's users 5 minutes of it. */
  moveCost?: number
  /** Seconds from launch to ready; learned from the servers by default. */
  provisioningDelay?: number
}

const USERS_PER_SERVER = 30
/** A start, and the moves of a full server's users, cost so many seconds of a server by default. */
const CHANGE_SECONDS = 300
/** What was learned counts for 1/e after two weeks, seconds. */
const MEMORY = 14 * 86_400
/** Weights grow up to this before all are divided by it. */
const MOST_WEIGHT = 1e9
/** Horizons in which the errors are measured before the first choice; nothing is scaled in until then. */
const LEARNING_HORIZONS = 30
/** Until then growth is met with so many mean errors, and at most with this share of the load. */
const FIRST_MARGIN = 3
const FIRST_MARGIN_SHARE = 0.25
/** The choice aims at this part of what is allowed: the future is never quite like the past. */
const SAFETY = 0.9
/** What was not spent may be spent later and the other way round: the allowance is between these shares of the level. */
const LEAST_ALLOWED = 0.25
const MOST_ALLOWED = 2
/** A fleet that is less than this too large is left as it is. */
const DEADBAND = 0.01
/** Ticks from launch to ready that are planned at most. */
const MOST_LEAD = 900
/** What a decision log can hold. */
const MOST_SERVERS = 2 ** 31 - 1

/** What is known once the interval is. */
interface Learned {
  readonly forecasts: Forecasts
  readonly fleets: CandidateFleets
  readonly lead: number
}

interface State {
  readonly version: 2
  readonly interval: number
  readonly lead: number
  readonly weight: number
  readonly spent: number
  readonly tick: number
  readonly forecasts: ForecastState
  readonly fleets: CandidateState
}

class Slo {
  readonly #overload: number
  readonly #capacity: number
  readonly #cost: number | undefined
  readonly #changeSeconds: { start: number; end: number }
  readonly #delay: DelayMeter | undefined
  readonly #knownDelay: number
  readonly #pace = new IntervalEstimator()
  #learned: Learned | undefined
  #last: { time: number; load: number } | undefined
  #tick = 0
  #weight = 1
  /** Users that the fleet is to hold. */
  #room = 0
  /** The same of a fleet that began with the first load and of which any part of a server can be had; of the last `lead` + 1 ticks. */
  #plan = 0
  #planned: number[] = []
  /** When the plan last grew. */
  #grew = 0
  /** Weighted user-ticks that the plan had above it. */
  #spent = 0
  #restored: State | undefined

  constructor(options: SloOptions) {
    const known = (where: keyof SloOptions, value: number) =>
      requireNumber(where, options[where] ?? value, { min: 0 })
    this.#overload = requireNumber('overload', options.overload ?? 0.001, { above: 0, max: 1 })
    this.#capacity = requireNumber('usersPerServer', options.usersPerServer ?? USERS_PER_SERVER, { above: 0 })
    const cost = requireNumber('serverCost', options.serverCost ?? 1, { min: 0 })
    this.#cost = options.serverCost
    const usual = (cost * CHANGE_SECONDS) / 3600
    const start = known('startCost', usual)
    const end = known('moveCost', usual / this.#capacity) * this.#capacity
    const seconds = (price: number) => (cost > 0 ? (price / cost) * 3600 : CHANGE_SECONDS)
    this.#changeSeconds = { start: seconds(start), end: seconds(end) }
    this.#delay = options.provisioningDelay === undefined ? new DelayMeter() : undefined
    this.#knownDelay = known('provisioningDelay', 0)
  }

  /** From observation to decision, in the order in which it happens. */
  evaluate = (observation: Observation): Recommendation => {
    const { time, load, desiredCount } = observation
    this.#delay?.see(observation)
    if (load === undefined || !Number.isFinite(load)) return unknownLoad(observation)
    const before = this.#last
    this.#last = { time, load }
    const passed = this.#pace.see(before && time - before.time)
    if (!before) this.#room = Math.max(load, desiredCount * this.#capacity)
    if (!before) this.#plan = load
    const lead = this.#lead()
    if (passed === 'begins') this.#begin(lead)
    const { forecasts, fleets } = this.#at(lead) ?? {}
    if (!before || !forecasts || !fleets) {
      this.#room = Math.max(this.#room, load)
      const servers = this.#serversFor(this.#room)
      return {
        servers,
        reason: `${load.toFixed(0)} users are all it knows yet: it holds the ${servers} it has`,
      }
    }

    // What the past tick did: to the candidates, and to its own plan.
    if (passed === 'gap') {
      fleets.skip()
      this.#planned = []
    } else this.#settle(fleets, before.load, load, lead)
    forecasts.see(load, this.#weight, passed === 'gap')
    fleets.prepare(forecasts.expected, forecasts.spread, this.#weight)
    this.#tick++

    // Before it knows its errors it holds what there is, and meets growth with a first guess.
    const { rising } = forecasts
    const horizon = lead + 1
    if (this.#tick <= LEARNING_HORIZONS * horizon || fleets.load === 0) {
      const margin = Math.min(FIRST_MARGIN * forecasts.spread[0]!, FIRST_MARGIN_SHARE * load)
      this.#follow(load + margin, load + margin, 'learning')
      return this.#recommend(forecasts, 'learning', horizon)
    }

    // The allowance, the cheapest candidate within it, and when to follow it: never for less than the load that is there.
    const realised = this.#spent / fleets.load
    const share = Math.min(MOST_ALLOWED, Math.max(LEAST_ALLOWED, 2 - realised / this.#overload))
    const allowed = SAFETY * this.#overload * share
    const choice = fleets.choose(allowed, this.#overload, forecasts.relative, this.#capacity)
    const held = rising ? 'rising' : this.#tick - this.#grew < horizon ? 'starting' : undefined
    const step = this.#follow(Math.max(load, choice.users), Math.max(load, choice.enough), held)
    return this.#recommend(forecasts, step, horizon, choice, realised)
  }

  /** Plan and room rise at once, and fall where nothing holds them and it is worth it. Returns what became of the room. */
  #follow(users: number, enough: number, held: Step | undefined): Step {
    const tooLarge = (size: number, need: number) => need <= size * (1 - DEADBAND)
    if (users > this.#plan) {
      this.#plan = users
      this.#grew = this.#tick
    } else if (!held && tooLarge(this.#plan, users)) this.#plan = users
    const need = Math.min(enough, this.#plan)
    if (need >= this.#room) {
      const step = held === 'learning' ? held : need > this.#room ? 'grows' : 'fits'
      this.#room = need
      return step
    }
    if (held) return held
    if (!tooLarge(this.#room, need)) return 'close'
    this.#room = need
    return 'shrinks'
  }

  #lead(): number {
    const seconds = this.#delay?.seconds ?? this.#knownDelay
    return Math.min(MOST_LEAD, Math.ceil(seconds / (this.#pace.interval || 1) - 1e-9))
  }

  #begin(lead: number): void {
    const { interval } = this.#pace
    this.#learned = {
      forecasts: new Forecasts(lead + 1, interval),
      fleets: this.#fleets(lead),
      lead,
    }
    this.#tick = 0
    this.#weight = 1
    this.#spent = 0
    this.#grew = 0
    this.#planned = []
    const state = this.#restored
    if (!state || Math.abs(state.interval - interval) > interval / 2) return
    this.#learned.forecasts.restore(state.forecasts)
    this.#learned.fleets.restore(state.fleets)
    this.#tick = state.tick
    this.#weight = state.weight
    this.#spent = state.spent
    this.#grew = state.tick
    this.#restored = undefined
  }

  #fleets(lead: number): CandidateFleets {
    const { start, end } = this.#changeSeconds
    const { interval } = this.#pace
    return new CandidateFleets({ lead, startTicks: start / interval, endTicks: end / interval })
  }

  /** What was learned, for servers that need so many ticks to start. */
  #at(lead: number): Learned | undefined {
    const learned = this.#learned
    if (!learned || learned.lead === lead) return learned
    const forecasts = new Forecasts(lead + 1, this.#pace.interval)
    forecasts.restore(learned.forecasts.snapshot())
    const fleets = this.#fleets(lead)
    fleets.restore(learned.fleets.snapshot())
    this.#learned = { forecasts, fleets, lead }
    return this.#learned
  }

  #settle(fleets: CandidateFleets, before: number, load: number, lead: number): void {
    this.#weight *= Math.exp(this.#pace.interval / MEMORY)
    fleets.settle(before, load, this.#weight)
    this.#planned.push(this.#plan)
    while (this.#planned.length > lead + 1) this.#planned.shift()
    this.#spent += this.#weight * excessOfLine(before, load, Math.min(...this.#planned))
    if (this.#weight < MOST_WEIGHT) return
    fleets.rescale(this.#weight)
    this.#learned!.forecasts.rescale(this.#weight)
    this.#spent /= this.#weight
    this.#weight = 1
  }

  #serversFor(users: number): number {
    return Math.min(MOST_SERVERS, Math.max(1, Math.ceil(users / this.#capacity - 1e-9)))
  }

  #recommend(forecasts: Forecasts, step: Step, ticks: number, choice?: Choice, realised = 0): Recommendation {
    const servers = this.#serversFor(this.#room)
    const forecast = choice?.forecast ?? 0
    const expected = forecasts.expected[forecast]!
    const horizon = ticks * this.#pace.interval
    const spare = Math.max(0, servers - this.#serversFor(expected))
    return {
      servers,
      reason: explain({
        servers,
        room: servers * this.#capacity,
        load: this.#last!.load,
        expected,
        error: forecasts.spread[forecast]!,
        horizon,
        spare,
        spareCost: this.#cost === undefined ? undefined : spare * this.#cost,
        step: choice && this.#serversFor(choice.enough) >= servers ? 'fits' : step,
        choice,
        level: this.#overload,
        realised,
      }),
      numbers: {
        expected,
        horizon,
        spare,
        realisedOverload: realised,
        ...(choice && {
          margin: choice.margin,
          unreachable: Number(choice.unreachable && choice.overload > this.#overload),
        }),
      },
      forecast: { time: this.#last!.time + horizon, expected, ...forecasts.band(forecast), confidence: BAND },
    }
  }

  snapshot = (): unknown => {
    const learned = this.#learned
    if (!learned) return undefined
    const state: State = {
      version: 2,
      interval: this.#pace.interval,
      lead: learned.lead,
      weight: this.#weight,
      spent: this.#spent,
      tick: this.#tick,
      forecasts: learned.forecasts.snapshot(),
      fleets: learned.fleets.snapshot(),
    }
    return state
  }

  /** Everything in it is a share or a count: no time of another clock. What is not as `snapshot` wrote it is not taken over. */
  restore = (state: unknown): void => {
    const parsed = STATE.parse(state)
    const { lead, interval } = parsed
    // Both throw here, and not in a decision, when it is of another version.
    new Forecasts(lead + 1, interval).restore(parsed.forecasts)
    new CandidateFleets({ lead, startTicks: 0, endTicks: 0 }).restore(parsed.fleets)
    this.#restored = parsed
  }
}

const numbers = z.array(z.number())
const STATE: z.ZodType<State> = z.object({
  version: z.literal(2),
  interval: z.number().positive(),
  lead: z.int().min(0).max(MOST_LEAD),
  weight: z.number().positive(),
  spent: z.number().min(0),
  tick: z.int().min(0),
  forecasts: z.object({
    error: numbers.length(4),
    unit: numbers.length(4),
    high: numbers.length(4),
    low: numbers.length(4),
    means: z.tuple([z.number(), z.number(), z.number(), z.number()]),
  }),
  fleets: z.object({
    excess: numbers,
    cost: numbers,
    block: numbers,
    before: numbers,
    load: z.number(),
    tick: z.int().min(0),
  }),
})

/**
 * The cheapest fleet that keeps overload at or below a share of user-time, for people who do not want to tune. Fleets with
 * several forecasts, margins and holds are counted on the load as it comes; it follows the cheapest that would have kept to the
 * level. See `docs/slo.md`.
 * @throws {ConcertinaError} INVALID_INPUT, naming the option.
 */
export function sloPolicy(options: SloOptions = {}): Policy {
  const { evaluate, snapshot, restore } = new Slo(options)
  return {
    name: 'slo',
    limits: { cooldown: 0 },
    usersPerServer: options.usersPerServer ?? USERS_PER_SERVER,
    evaluate,
    snapshot,
    restore,
  }
}

export const sloKind = specKind(
  'slo',
  {
    overload: option(z.number().positive().max(1), 'share of user-time that may be above capacity', 0.001),
    usersPerServer: option(z.number().positive(), 'users that one server holds', USERS_PER_SERVER),
    serverCost: option(atLeastZero, 'what a server costs an hour', 1),
    startCost: option(atLeastZero, 'what a start costs beyond its time; default 5 minutes of a server'),
    moveCost: option(
      atLeastZero,
      'what moving a user costs; default 5 minutes of a server for all the users it holds',
    ),
    provisioningDelay: option(atLeastZero, 'seconds from launch to ready; learned by default'),
  },
  sloPolicy,
)
