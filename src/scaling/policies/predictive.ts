import { z } from 'zod'
import { type OptionsOf, option, optionSet, seconds } from '../../base/options.ts'
import { specKind } from '../../base/spec-kind.ts'
import { ADDITIVE_METRICS, amountOf, sizeBy, unknownAmount } from '../metric.ts'
import { reasons } from '../reasons.ts'
import type { Policy } from '../types.ts'

/** Parts into which a season is divided. */
const PARTS = 96
/** Share of the newest error in the mean of their squares. */
const NEWEST = 0.02
/** Standard deviations either side that contain a normal error in 95 of 100 cases. */
const BAND = 1.96

/** What the policy has learned; times in seconds on the run's clock. */
const learnedSchema = z.object({
  level: z.number(),
  trend: z.number(),
  /** Time of the last observation. */
  last: z.number(),
  /** A time at which a season began. */
  seasonStart: z.number(),
  parts: z.array(z.number()).length(PARTS),
  errors: z.object({
    open: z.array(z.object({ due: z.number(), expected: z.number() })),
    square: z.number().optional(),
  }),
})

/** How far forecasts were from what came: remembers each until its time has come. */
class ForecastError {
  #open: { due: number; expected: number }[] = []
  #square: number | undefined

  snapshot(): z.infer<typeof learnedSchema>['errors'] {
    return { open: this.#open, ...(this.#square !== undefined && { square: this.#square }) }
  }

  restore({ open, square }: z.infer<typeof learnedSchema>['errors'], shift: number): void {
    this.#open = open.map(({ due, expected }) => ({ due: due + shift, expected }))
    this.#square = square
  }

  record(time: number, load: number): void {
    while (this.#open.length > 0 && this.#open[0]!.due <= time) {
      const square = (load - this.#open.shift()!.expected) ** 2
      this.#square = this.#square === undefined ? square : this.#square + NEWEST * (square - this.#square)
    }
  }

  made(due: number, expected: number): void {
    this.#open.push({ due, expected })
  }

  /** Root of the mean square; `undefined` before the first forecast is due. */
  get deviation(): number | undefined {
    return this.#square === undefined ? undefined : Math.sqrt(this.#square)
  }
}

const predictiveOptions = optionSet({
  metric: option(z.enum(ADDITIVE_METRICS), 'what is forecast', 'users'),
  usersPerServer: option(z.number().positive(), 'users, or how much else, that one server holds', 30),
  horizon: option(z.number().min(0), 'seconds it looks ahead', 90),
  alpha: option(z.number().min(0).max(1), 'smoothing of the level', 0.5),
  beta: option(z.number().min(0).max(1), 'smoothing of the trend', 0.1),
  gamma: option(z.number().min(0).max(1), 'smoothing of the season', 0.3),
  season: option(seconds, 'seconds of a season, 86400 for a day; no season by default'),
})

/** Options of `predictive`. */
export type PredictiveOptions = OptionsOf<typeof predictiveOptions.shape>

/**
 * Scales for the larger of the load now and the load that is forecast for when a server launched now would be ready: Holt's
 * linear trend, with an additive season where one is given (Holt–Winters). The trend is per second, so observations need not come evenly.
 * While a ready server does not report the metric, none is removed.
 *
 * Source: Hyndman and Athanasopoulos, *Forecasting: Principles and Practice*, 3rd edition, sections 8.2 and 8.3.
 */
export function predictivePolicy(options: PredictiveOptions = {}): Policy {
  const { metric, usersPerServer, horizon, alpha, beta, gamma, season } = predictiveOptions.parse(options)
  let parts: number[] = Array(PARTS).fill(0)
  const error = new ForecastError()
  let seasonStart = 0
  const partOf = (time: number) => {
    if (season === undefined) return 0
    const phase = (time - seasonStart) / season
    return Math.min(PARTS - 1, Math.floor((phase - Math.floor(phase)) * PARTS))
  }
  let level = Number.NaN
  let trend = 0
  let last = 0

  return {
    name: 'predictive',
    ...(metric === 'users' && { usersPerServer }),
    limits: { cooldown: 0 },
    snapshot() {
      if (Number.isNaN(level)) return undefined
      return { level, trend, last, seasonStart, parts, errors: error.snapshot() }
    },
    restore(state, shift) {
      const learned = learnedSchema.parse(state)
      ;({ level, trend, parts } = learned)
      last = learned.last + shift
      seasonStart = learned.seasonStart + shift
      error.restore(learned.errors, shift)
    },
    evaluate(observation) {
      const { time, desiredCount } = observation
      const amount = amountOf(observation, metric)
      if (!amount) return unknownAmount(metric, observation)
      const load = amount.value
      const part = partOf(time)
      const elapsed = time - last
      if (Number.isNaN(level)) {
        level = load
      } else if (elapsed > 0) {
        const before = level
        level = alpha * (load - parts[part]!) + (1 - alpha) * (level + trend * elapsed)
        trend = beta * ((level - before) / elapsed) + (1 - beta) * trend
        if (season !== undefined) parts[part] = gamma * (load - level) + (1 - gamma) * parts[part]!
      }
      last = time
      const forecast = Math.max(0, level + trend * horizon + parts[partOf(time + horizon)]!)
      const highest = Math.max(load, forecast)
      error.record(time, load)
      error.made(time + horizon, forecast)
      const band = BAND * (error.deviation ?? forecast)
      const sized = sizeBy(amount, Math.ceil(highest / usersPerServer - 1e-9), desiredCount)
      const now = metric === 'users' ? load : Number(load.toFixed(2))
      const what = reasons.say('expected', { now, metric, forecast: forecast.toFixed(1), horizon })
      return {
        servers: sized.servers,
        reason: sized.because(reasons.say('at', { what, target: usersPerServer })),
        numbers: { forecast, level, trendPerSecond: trend, usersPerServer },
        ...(metric === 'users' && {
          forecast: {
            time: time + horizon,
            expected: forecast,
            low: Math.max(0, forecast - band),
            high: forecast + band,
            confidence: 0.95,
          },
        }),
      }
    },
  }
}

export const predictiveKind = specKind('predictive', predictiveOptions, predictivePolicy)
