import { randomPoisson } from 'd3-random'
import { z } from 'zod'
import { type Distribution, exponential } from '../base/distribution.ts'
import { requireNumber } from '../base/errors.ts'
import {
  atLeastZero,
  count,
  madeInCode,
  type OptionsOf,
  option,
  optionSet,
  seconds,
} from '../base/options.ts'
import type { Rng } from '../base/rng.ts'
import { BatchFunction, type OperatorContext } from '../pipeline/functions.ts'
import type { TrafficItem } from '../pipeline/items.ts'
import { checkUsers, type LoadPattern, usersAt } from './load-pattern.ts'
import { threePhase } from './patterns/three-phase.ts'
import { type UserTimers, userTimers } from './user-timers.ts'

const distributionOption = madeInCode<Distribution>('a distribution', 'sampler')

/** What a config file may say of the users, beside the distributions of times. */
export const trafficShape = {
  arrivals: option(
    z.enum(['exact', 'poisson']),
    'exact: the number of users follows the load; poisson: sessions arrive at random, with the load as their mean number',
    'exact',
  ),
  rooms: option(count, 'rooms that users are spread over evenly', 100),
}

const ownShape = {
  ...trafficShape,
  thinkTime: option(
    distributionOption,
    'seconds between two messages of a user; default exponential with mean 5',
  ),
  session: option(distributionOption, 'seconds that a user stays; default exponential with mean 300'),
}

/** How users come, talk and go. */
export type TrafficOptions = OptionsOf<typeof ownShape>

const sourceOptions = optionSet({
  ...ownShape,
  duration: option(seconds, "seconds; default the pattern's own, or 30"),
  baseRate: option(atLeastZero, 'concurrent users at the ends of the three-phase load', 5),
  peakRate: option(atLeastZero, 'concurrent users in the middle of the three-phase load', 50),
  pattern: option(madeInCode<LoadPattern>('a load pattern', 'users'), 'the load; default three phases'),
  interval: option(seconds, 'seconds between two ticks', 1),
})

/** Options of the source of users. */
export type UserTrafficOptions = OptionsOf<typeof sourceOptions.shape>

/**
 * Simulated users who follow a load pattern. Messages form a Poisson process whose intensity is users / think time
 * (a renewal process per user when the think time is not exponential). With `arrivals: 'poisson'` sessions arrive as
 * a non-homogeneous Poisson process, piecewise constant between ticks, of the intensity that makes the mean number of
 * users of an M(t)/M/∞ system follow the pattern (Eick, Massey and Whitt, *Management Science* 39, 1993):
 * λ = (L₁ − L₀·e^(−h/S)) / (S·(1 − e^(−h/S))), with L₀ and L₁ the load at the ends of the interval h and S the mean
 * session. It is exact for exponential sessions and of first order for others. λ is never negative: a load that falls
 * faster than users leave is not followed, and the result shows requested beside achieved load.
 */
export class UserTrafficSource extends BatchFunction<TrafficItem> {
  readonly pattern: LoadPattern
  readonly duration: number
  readonly #arrivals: 'exact' | 'poisson'
  readonly #thinkTime: Distribution
  readonly #session: Distribution
  readonly #rooms: number
  readonly #interval: number
  #rng!: Rng
  #arrivalRng!: Rng
  #messages!: UserTimers
  #sessions!: UserTimers
  /** Users there are; the first `#load` of `#active` in no order, each at its place. */
  #load = 0
  #target = 0
  readonly #active: number[] = []
  readonly #places: number[] = []
  readonly #roomOf: number[] = []
  readonly #free: number[] = []
  #nextArrival = Infinity
  #ticks = 0
  #nextTick = 0
  #adjusting = true
  #replace = false
  #sent = 0
  #now = 0
  readonly #tick = { kind: 'tick' as const, time: 0, requestedLoad: 0, load: 0, messages: 0 }
  readonly #presence = { kind: 'join' as 'join' | 'leave', time: 0, user: 0, room: 0 }
  readonly #message = { kind: 'message' as const, time: 0, user: 0, room: 0 }

  constructor(options: UserTrafficOptions = {}) {
    super()
    const { baseRate, peakRate, duration, pattern, ...rest } = sourceOptions.parse(options)
    this.pattern = pattern ?? threePhase({ duration: duration ?? 30, baseRate, peakRate })
    this.duration = requireNumber('duration', duration ?? this.pattern.duration, { above: 0 })
    this.#arrivals = rest.arrivals
    this.#thinkTime = rest.thinkTime ?? exponential(5)
    this.#session = rest.session ?? exponential(300)
    this.#rooms = rest.rooms
    this.#interval = rest.interval
    checkUsers(this.pattern, this.duration, this.#interval)
  }

  override open(context: OperatorContext): void {
    this.#rng = context.rng.stream('rooms')
    this.#arrivalRng = context.rng.stream('arrivals')
    this.#messages = userTimers(this.#thinkTime, context.rng.stream('messages'))
    this.#sessions = userTimers(this.#session, context.rng.stream('sessions'))
    const initial = usersAt(this.pattern, 0)
    this.#target =
      this.#arrivals === 'exact'
        ? Math.round(initial)
        : initial > 0
          ? randomPoisson.source(() => this.#arrivalRng.next())(initial)()
          : 0
  }

  execute(): TrafficItem | undefined {
    if (this.#replace) {
      this.#replace = false
      return this.#join()
    }
    if (this.#adjusting) {
      if (this.#load < this.#target) return this.#join()
      if (this.#load > this.#target) return this.#leave(this.#active[this.#rng.below(this.#load)]!)
      this.#adjusting = false
      return this.#emitTick()
    }
    const message = this.#messages.next
    const session = this.#sessions.next
    const next = Math.min(message, session, this.#nextArrival, this.#nextTick)
    this.#now = next
    if (next === this.#nextTick) return this.#beginTick()
    if (next === message) {
      const user = this.#messages.ring()
      const item = this.#message
      item.time = next
      item.user = user
      item.room = this.#roomOf[user]!
      this.#sent++
      return item
    }
    if (next === session) {
      this.#replace = this.#arrivals === 'exact'
      return this.#leave(this.#sessions.ring())
    }
    this.#nextArrival = next + this.#arrivalRng.exponential(1 / this.#intensity())
    return this.#join()
  }

  /** The load moves to its target first, so that the tick reports the load from then on. */
  #beginTick(): TrafficItem | undefined {
    if (this.#nextTick === Infinity) return undefined
    this.#target = this.#arrivals === 'exact' ? Math.round(usersAt(this.pattern, this.#now)) : this.#load
    this.#adjusting = true
    return this.execute()
  }

  #emitTick(): TrafficItem {
    const tick = this.#tick
    tick.time = this.#now
    tick.requestedLoad = this.pattern.users(this.#now)
    tick.load = this.#load
    tick.messages = this.#sent
    this.#nextTick =
      this.#now >= this.duration ? Infinity : Math.min(++this.#ticks * this.#interval, this.duration)
    if (this.#nextTick === Infinity) {
      this.#messages.next = Infinity
      this.#sessions.next = Infinity
      this.#nextArrival = Infinity
    } else if (this.#arrivals === 'poisson') {
      const rate = this.#intensity()
      this.#nextArrival = rate > 0 ? this.#now + this.#arrivalRng.exponential(1 / rate) : Infinity
    }
    return tick
  }

  /** Sessions per second from the last tick to the next. */
  #intensity(): number {
    const from = this.#tick.time
    const kept = Math.exp((from - this.#nextTick) / this.#session.mean)
    const missing = usersAt(this.pattern, this.#nextTick) - this.pattern.users(from) * kept
    return Math.max(0, missing / (this.#session.mean * (1 - kept)))
  }

  #join(): TrafficItem {
    const user = this.#free.pop() ?? this.#load
    const room = this.#rng.below(this.#rooms)
    this.#roomOf[user] = room
    this.#active[this.#load] = user
    this.#places[user] = this.#load++
    this.#messages.add(user, this.#now)
    this.#sessions.add(user, this.#now)
    return this.#present('join', user)
  }

  #leave(user: number): TrafficItem {
    const last = this.#active[--this.#load]!
    const place = this.#places[user]!
    this.#active[place] = last
    this.#places[last] = place
    this.#free.push(user)
    this.#messages.remove(user, this.#now)
    this.#sessions.remove(user, this.#now)
    return this.#present('leave', user)
  }

  #present(kind: 'join' | 'leave', user: number): TrafficItem {
    const item = this.#presence
    item.kind = kind
    item.time = this.#now
    item.user = user
    item.room = this.#roomOf[user]!
    return item
  }
}
