import { z } from 'zod'
import { atLeastZero, type OptionsOf, option, optionSet } from '../../../base/options.ts'
import { specKind } from '../../../base/spec-kind.ts'
import { DelayMeter } from '../../delay-meter.ts'
import { DrainMeter, type DrainState } from '../../drain-meter.ts'
import { unknownLoad } from '../../metric.ts'
import type { Observation, Policy, Recommendation } from '../../types.ts'
import { CandidateFleets, type CandidateState, type Choice, isTooLarge } from './candidate-fleets.ts'
import { explain, type Step } from './explain.ts'
import { IntervalEstimator } from './interval-estimator.ts'
import { BAND, RiseMeter, type RiseState } from './rise-meter.ts'
import { Shortfall } from './shortfall.ts'
import { WholeServers } from './whole-servers.ts'

/** All that a user has to say; nothing depends on the traffic. */
const sloOptions = optionSet({
  overload: option(z.number().positive().max(1), 'share of user-time that may be above capacity', 0.001),
  usersPerServer: option(z.number().positive(), 'users that one server holds', 30),
  serverCost: option(atLeastZero, 'what a server costs an hour', 1),
  startCost: option(atLeastZero, 'what a start costs beyond its time; default 7.5 minutes of a server'),
  moveCost: option(
    atLeastZero,
    'what moving a user costs; default 7.5 minutes of a server for all the users it holds',
  ),
  provisioningDelay: option(atLeastZero, 'seconds from launch to ready; learned by default'),
})

/** Options of `slo`. */
export type SloOptions = OptionsOf<typeof sloOptions.shape>

/** A start, and the moves of a full server's users, cost so many seconds of a server by default. */
const CHANGE_SECONDS = 450
/** What was learned counts for 1/e after two weeks, seconds. */
const MEMORY = 14 * 86_400
/** Horizons in which the rises are measured before the first choice; nothing is scaled in until then. */
const LEARNING_HORIZONS = 30
/** Until then growth is met with so many mean rises, and at most with this share of the load. */
const FIRST_MARGIN = 3
const FIRST_MARGIN_SHARE = 0.25
/** The choice aims at so much of what is allowed: whole servers hold more than what is chosen, and are short of less. */
const AIM = 1.1
/** The last server comes late only while so much of the level was spent: the future is never quite like the past. */
const SAFETY = 0.9
/** What was not spent may be spent later and the other way round: the allowance is between these shares of the level. */
const LEAST_ALLOWED = 0.25
const MOST_ALLOWED = 2
/** While the load rises no server goes for so many horizons; after that none that it would need if it rose like this for as many. */
const KEPT_HORIZONS = 27
/** Ticks from launch to ready that are planned at most. */
const MOST_LEAD = 900
/** What a decision log can hold. */
const MOST_SERVERS = 2 ** 31 - 1

/** What was learned, once the interval is known. */
interface Learned {
  readonly rise: RiseMeter
  readonly fleets: CandidateFleets
  readonly lead: number
}

const numbers = z.array(z.number())
const usualRise = z.object({ powers: numbers, counts: numbers })
const stateSchema = z.object({
  version: z.literal(5),
  interval: z.number().positive(),
  lead: z.int().min(0).max(MOST_LEAD),
  clockAhead: z.number(),
  drain: z.object({ seconds: z.number().min(0), count: z.number().min(0) }) satisfies z.ZodType<DrainState>,
  spent: z.number().min(0),
  short: z.number().min(0),
  rise: z.object({
    rise: z.number(),
    from: z.number(),
    low: z.number(),
    high: z.number(),
    short: z.number(),
    day: z.number(),
    peak: z.number(),
    ticks: z.int().min(0),
    ofHour: usualRise,
    ofDay: usualRise,
  }) satisfies z.ZodType<RiseState>,
  fleets: z.object({
    excess: numbers,
    cost: numbers,
    block: numbers,
    before: numbers,
    load: z.number(),
    tick: z.int().min(0),
  }) satisfies z.ZodType<CandidateState>,
})
type State = z.infer<typeof stateSchema>

class Slo {
  readonly #overload: number
  readonly #capacity: number
  readonly #cost: number | undefined
  readonly #changeSeconds: { start: number; end: number }
  readonly #delay: DelayMeter | undefined
  readonly #knownDelay: number
  readonly #drain = new DrainMeter()
  readonly #pace = new IntervalEstimator()
  #learned: Learned | undefined
  #last: { time: number; load: number } | undefined
  /** Users that the fleet is to hold. */
  #room = 0
  /** The same of a fleet that began with the first load and of which any part of a server can be had. */
  #plan = 0
  /** Ticks since the plan last grew. */
  #sinceGrowth = 0
  /** What the plan was short of. */
  #spent = new Shortfall()
  #whole: WholeServers
  #restored: State | undefined
  /** How far the clock of hours and days is ahead of the run's time, where nothing says the time of day. */
  #clockAhead = 0

  constructor(options: SloOptions) {
    const filled = sloOptions.parse(options)
    const { serverCost, provisioningDelay } = filled
    this.#overload = filled.overload
    this.#capacity = filled.usersPerServer
    this.#cost = options.serverCost
    const usual = (serverCost * CHANGE_SECONDS) / 3600
    const { startCost = usual, moveCost = usual / this.#capacity } = filled
    const seconds = (price: number) => (serverCost > 0 ? (price / serverCost) * 3600 : CHANGE_SECONDS)
    this.#changeSeconds = { start: seconds(startCost), end: seconds(moveCost * this.#capacity) }
    this.#delay = provisioningDelay === undefined ? new DelayMeter() : undefined
    this.#knownDelay = provisioningDelay ?? 0
    this.#whole = new WholeServers(this.#capacity)
  }

  /** From observation to decision, in the order in which it happens. */
  evaluate = (observation: Observation): Recommendation => {
    const { time, load, desiredCount } = observation
    this.#delay?.see(observation)
    this.#drain.see(observation)
    if (load === undefined || !Number.isFinite(load)) return unknownLoad(observation)
    const before = this.#last
    this.#last = { time, load }
    const passed = this.#pace.see(before && time - before.time)
    if (!before) {
      this.#room = Math.max(load, desiredCount * this.#capacity)
      this.#plan = load
    }
    if (passed === 'begins') this.#begin()
    const { rise, fleets } = this.#following() ?? {}
    if (!before || !rise || !fleets) {
      this.#room = Math.max(this.#room, load)
      const servers = this.#serversFor(this.#room)
      const reason = `${load.toFixed(0)} users are all it knows yet: it holds the ${servers} it has`
      return { servers, reason }
    }
    // What the past tick did: to the candidates, and to its own plan.
    const decay = Math.exp(-this.#pace.interval / MEMORY)
    if (passed === 'gap') {
      fleets.skip()
      this.#spent.skip()
      this.#whole.shortfall.skip()
    } else {
      fleets.settle(before.load, load, decay)
      this.#spent.settle(before.load, load, this.#plan, decay, fleets.horizon)
      this.#whole.settle(before.load, load, this.#room, decay, fleets.horizon)
    }
    rise.see(load, decay, passed === 'gap', observation.wallTime ?? time + this.#clockAhead)
    fleets.prepare(load, rise, this.#drain.seconds / this.#pace.interval)
    this.#sinceGrowth++
    // Before it knows the rises it holds what there is, and meets growth with a first guess.
    if (fleets.ticks <= LEARNING_HORIZONS * fleets.horizon || fleets.load === 0) {
      const margin = Math.min(FIRST_MARGIN * rise.meanRise, FIRST_MARGIN_SHARE) * load
      this.#follow(load + margin, 0, 0, 0, 'learning')
      return this.#recommend('learning', rise, fleets)
    }
    // The allowance, the cheapest candidate within it, and when to follow it: never for less than the load that is there, but for
    // a part of the last server.
    const unspent = (this.#overload * fleets.load) / this.#spent.users
    const allowed = AIM * this.#overload * Math.min(MOST_ALLOWED, Math.max(LEAST_ALLOWED, unspent))
    const choice = fleets.choose(allowed, this.#overload)
    const mayLag = !choice.unreachable && this.#realised(fleets) < SAFETY * this.#overload
    const lag = mayLag ? this.#whole.lag(choice.users, allowed) : 0
    const kept = load + KEPT_HORIZONS * rise.pace
    const rises = rise.risingFor > 0 && rise.risingFor < KEPT_HORIZONS
    const held = rises ? 'rising' : this.#sinceGrowth < fleets.horizon ? 'starting' : undefined
    const step = this.#follow(Math.max(load, choice.users), lag, choice.margin, kept, held)
    return this.#recommend(step, rise, fleets, choice, lag)
  }

  /**
   * Plan and room rise at once, and fall where nothing holds them and it is worth it, while the load rises not below `kept`. Returns
   * what became of the room. Only the lag depends on the size of servers, and it is less than a load 5 % higher asks for: so that one
   * never desires fewer servers.
   */
  #follow(users: number, lag: number, margin: number, kept: number, held: Step | undefined): Step {
    const planned = Math.max(users, Math.min(kept, this.#plan))
    if (users > this.#plan) {
      this.#plan = users
      this.#sinceGrowth = 0
    } else if (!held && isTooLarge(this.#plan, planned, margin)) this.#plan = planned
    const need = Math.max(this.#plan - lag, Math.min(kept - lag, this.#room))
    const grows = need > this.#room
    const shrinks = need < this.#room
    if (shrinks && held) return held
    if (shrinks && this.#whole.shortfall.isGrowing) return 'starting'
    if (shrinks && !isTooLarge(this.#room, need, 0)) return 'close'
    this.#room = need
    if (held === 'learning') return held
    if (!grows && need > users && kept > users) return 'rising'
    return grows ? 'grows' : shrinks ? 'shrinks' : 'fits'
  }

  /** Starts to learn, or goes on with what was learned at the same pace. */
  #begin(): void {
    const state = this.#restored
    const { interval } = this.#pace
    const known = state && Math.abs(state.interval - interval) <= interval / 2 ? state : undefined
    this.#learned = this.#learner(this.#lead(), known)
    this.#spent = new Shortfall(known?.spent)
    this.#whole = new WholeServers(this.#capacity, known?.short)
    this.#sinceGrowth = 0
    if (known) this.#restored = undefined
  }

  #learner(lead: number, state?: Pick<State, 'rise' | 'fleets'>): Learned {
    const { interval } = this.#pace
    const { start, end } = this.#changeSeconds
    const rise = new RiseMeter(lead + 1, interval)
    const fleets = new CandidateFleets({ lead, startTicks: start / interval, endTicks: end / interval })
    if (state) {
      rise.restore(state.rise)
      fleets.restore(state.fleets)
    }
    return { rise, fleets, lead }
  }

  /** What was learned, for servers that need as long to start as they do now. */
  #following(): Learned | undefined {
    const learned = this.#learned
    const lead = this.#lead()
    if (!learned || learned.lead === lead) return learned
    this.#learned = this.#learner(lead, {
      rise: learned.rise.snapshot(),
      fleets: learned.fleets.snapshot(),
    })
    return this.#learned
  }

  /** Ticks from launch to ready. */
  #lead(): number {
    const seconds = this.#delay?.seconds ?? this.#knownDelay
    return Math.min(MOST_LEAD, Math.ceil(seconds / (this.#pace.interval || 1) - 1e-9))
  }

  /** The share of user-time that the servers had above what they hold. */
  #realised(fleets: CandidateFleets): number {
    return this.#whole.shortfall.users / (fleets.load || 1)
  }

  #serversFor(users: number): number {
    return Math.min(MOST_SERVERS, this.#whole.for(users))
  }

  #recommend(step: Step, rise: RiseMeter, fleets: CandidateFleets, choice?: Choice, lag = 0): Recommendation {
    const { time, load } = this.#last!
    const servers = this.#serversFor(this.#room)
    const expected = load + (choice?.form.growth ? rise.growth * fleets.horizon : 0)
    const horizon = fleets.horizon * this.#pace.interval
    const spare = Math.max(0, servers - this.#serversFor(expected))
    const realised = this.#realised(fleets)
    return {
      servers,
      reason: explain({
        servers,
        room: servers * this.#capacity,
        load,
        expected,
        horizon,
        lag,
        spare,
        spareCost: this.#cost === undefined ? undefined : spare * this.#cost,
        step: choice && this.#serversFor(choice.users) >= servers ? 'fits' : step,
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
      forecast: { time: time + horizon, expected, ...rise.band(load, expected), confidence: BAND },
    }
  }

  snapshot = (): unknown => {
    if (!this.#learned) return undefined
    const { rise, fleets, lead } = this.#learned
    const state: State = {
      version: 5,
      interval: this.#pace.interval,
      lead,
      clockAhead: this.#clockAhead,
      drain: this.#drain.snapshot(),
      spent: this.#spent.users,
      short: this.#whole.shortfall.users,
      rise: rise.snapshot(),
      fleets: { ...fleets.snapshot() },
    }
    return state
  }

  /** What is not as `snapshot` wrote it is not taken over. */
  restore = (state: unknown, shift: number): void => {
    const parsed = stateSchema.parse(state)
    this.#learner(parsed.lead, parsed) // throws here, and not in a decision, when it is of another version
    this.#restored = parsed
    this.#clockAhead = parsed.clockAhead - shift
    this.#drain.restore(parsed.drain)
  }
}

/**
 * The cheapest fleet that keeps overload at or below a share of user-time, for people who do not want to tune. Fleets with
 * several margins and holds are counted on the load as it comes; it follows the cheapest that would have kept to the level. See `docs/slo.md`.
 * @throws {ConcertinaError} INVALID_INPUT, naming the option.
 */
export function sloPolicy(options: SloOptions = {}): Policy {
  const { evaluate, snapshot, restore } = new Slo(options)
  return {
    name: 'slo',
    limits: { cooldown: 0 },
    usersPerServer: options.usersPerServer ?? sloOptions.defaultOf('usersPerServer'),
    evaluate,
    snapshot,
    restore,
  }
}

export const sloKind = specKind('slo', sloOptions.shape, sloPolicy)
