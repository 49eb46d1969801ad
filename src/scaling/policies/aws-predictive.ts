import { z } from 'zod'
import { type OptionsOf, option, optionSet } from '../../base/options.ts'
import { specKind } from '../../base/spec-kind.ts'
import { unknownLoad } from '../metric.ts'
import { reasons } from '../reasons.ts'
import type { Policy } from '../types.ts'
import { targetTrackingPolicy } from './target-tracking.ts'

const HOUR = 3600
const DAY_HOURS = 24
/** Days of history that are looked at. */
const HISTORY_DAYS = 14
/** Hours between two forecasts. */
const FORECAST_EVERY = 6

const awsPredictiveOptions = optionSet({
  target: option(z.number().positive(), 'users per server that it keeps', 24),
  schedulingBuffer: option(
    z.number().min(0).max(HOUR),
    'seconds before an hour at which its servers are launched',
    300,
  ),
})

/** Options of `aws-predictive`. */
export type AwsPredictiveOptions = OptionsOf<typeof awsPredictiveOptions.shape>

const STATE = z.object({ hours: z.array(z.tuple([z.number(), z.number()])) })

/** The mean load of each hour of the last fourteen days, and what is forecast from it. */
class HourlyForecast {
  /** By the number of the hour, in the order of time. */
  hours = new Map<number, number>()
  #forecast = new Map<number, number>()
  #made = -Infinity
  #hour = Number.NaN
  #sum = 0
  #count = 0

  record(time: number, load: number): void {
    const hour = Math.floor(time / HOUR)
    if (hour !== this.#hour) {
      if (this.#count > 0) this.hours.set(this.#hour, this.#sum / this.#count)
      for (const old of this.hours.keys()) if (old < hour - HISTORY_DAYS * DAY_HOURS) this.hours.delete(old)
      this.#hour = hour
      this.#sum = 0
      this.#count = 0
      if (this.hours.size >= DAY_HOURS && hour - this.#made >= FORECAST_EVERY) this.#make(hour)
    }
    this.#sum += load
    this.#count++
  }

  /** Users expected in the hour of this time; `undefined` before there is a forecast. */
  at(time: number): number | undefined {
    return this.#forecast.get(Math.floor(time / HOUR))
  }

  #make(hour: number): void {
    this.#made = hour
    this.#forecast = new Map()
    const sums = Array.from({ length: DAY_HOURS }, () => ({ load: 0, count: 0 }))
    const ofDay = (number: number) => sums[((number % DAY_HOURS) + DAY_HOURS) % DAY_HOURS]!
    for (const [past, load] of this.hours) {
      const same = ofDay(past)
      same.load += load
      same.count++
    }
    for (let ahead = hour; ahead < hour + 2 * DAY_HOURS; ahead++) {
      const { load, count } = ofDay(ahead)
      if (count > 0) this.#forecast.set(ahead, load / count)
    }
  }
}

/**
 * Predictive scaling of AWS beside target tracking, as the guide advises: the larger of what both desire. From 24 hours of data on, and
 * from at most fourteen days, it forecasts each of the next 48 hours, again every six hours; the servers for an hour are launched
 * five minutes before it begins. The forecast only scales out: whether servers are removed is up to target tracking.
 *
 * Source: *Amazon EC2 Auto Scaling User Guide*, "How predictive scaling works", and `PredictiveScalingConfiguration` of its API
 * reference. The model of the service is not published: here an hour is forecast as the mean of the same hours of the days that are known.
 */
export function awsPredictivePolicy(options: AwsPredictiveOptions = {}): Policy {
  const { target, schedulingBuffer } = awsPredictiveOptions.parse(options)
  const dynamic = targetTrackingPolicy({ target })
  const forecast = new HourlyForecast()
  return {
    name: 'aws-predictive',
    usersPerServer: target,
    limits: { cooldown: 0 },
    evaluate(observation) {
      const { time, load } = observation
      const tracked = dynamic.evaluate(observation)
      if (load === undefined || !Number.isFinite(load)) return unknownLoad(observation)
      forecast.record(time, load)
      const [now, soon] = [forecast.at(time), forecast.at(time + schedulingBuffer)]
      if (now === undefined || soon === undefined)
        return { ...tracked, reason: `${reasons.say('noForecast')}; ${tracked.reason}` }
      const expected = Math.max(now, soon)
      const servers = Math.max(tracked.servers, Math.ceil(expected / target - 1e-9))
      const what = reasons.say('forecast', { expected: expected.toFixed(0) })
      return {
        servers,
        reason: `${reasons.say('atTarget', { what, target })}; ${tracked.reason}`,
        numbers: { ...tracked.numbers, forecast: expected },
      }
    },
    snapshot: () => (forecast.hours.size > 0 ? { hours: [...forecast.hours] } : undefined),
    // Where the clock differs by a part of an hour, the hours do as well: to the nearest.
    restore: (state, shift) => {
      const { hours } = STATE.parse(state)
      forecast.hours = new Map(hours.map(([hour, load]) => [hour + Math.round(shift / HOUR), load]))
    },
  }
}

export const awsPredictiveKind = specKind('aws-predictive', awsPredictiveOptions, awsPredictivePolicy)
