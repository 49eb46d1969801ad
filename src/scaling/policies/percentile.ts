import { z } from 'zod'
import { type OptionsOf, option, optionSet, seconds } from '../../base/options.ts'
import { countBelow } from '../../base/sorted.ts'
import { specKind } from '../../base/spec-kind.ts'
import { ADDITIVE_METRICS, amountOf, sizeBy, unknownAmount } from '../metric.ts'
import { reasons } from '../reasons.ts'
import type { Policy } from '../types.ts'

const percentileOptions = optionSet({
  metric: option(z.enum(ADDITIVE_METRICS), 'what is looked back at', 'users'),
  target: option(z.number().positive(), 'users, or how much else, that a server should have', 24),
  percentile: option(
    z.number().min(0).max(1),
    'of the samples, that there are servers for; 1 is the highest',
    0.95,
  ),
  averaging: option(seconds, 'seconds that a sample is the average of', 300),
  horizon: option(seconds, 'seconds that it looks back', 72 * 3600),
})

/** Options of `percentile`. */
export type PercentileOptions = OptionsOf<typeof percentileOptions.shape>

const STATE = z.object({
  samples: z.array(z.object({ time: z.number(), value: z.number() })),
})

/** Samples of a figure over the last while: averages of stretches of equal length. */
class Samples {
  readonly #averaging: number
  readonly #horizon: number
  /** Whole stretches, by the time they began. */
  #whole: { readonly time: number; readonly value: number }[] = []
  /** Their values, the lowest first. */
  #sorted: number[] = []
  #begun = Number.NaN
  #sum = 0
  #count = 0

  constructor(averaging: number, horizon: number) {
    this.#averaging = averaging
    this.#horizon = horizon
  }

  get all(): readonly { readonly time: number; readonly value: number }[] {
    return this.#whole
  }

  set all(samples: readonly { readonly time: number; readonly value: number }[]) {
    this.#whole = [...samples]
    this.#sorted = samples.map(({ value }) => value).sort((a, b) => a - b)
  }

  add(time: number, value: number): void {
    const begun = Math.floor(time / this.#averaging) * this.#averaging
    if (begun !== this.#begun) {
      if (this.#count > 0) this.#keep({ time: this.#begun, value: this.#sum / this.#count })
      this.#begun = begun
      this.#sum = 0
      this.#count = 0
      while (this.#whole[0] && this.#whole[0].time <= begun - this.#horizon) this.#dropOldest()
    }
    this.#sum += value
    this.#count++
  }

  /** The value that this share of the samples does not exceed, the present one among them (nearest rank). */
  percentile(share: number): number {
    const present = this.#sum / this.#count
    const rank = Math.max(1, Math.ceil(share * (this.#sorted.length + 1) - 1e-9)) - 1
    const [below, at] = [this.#sorted[rank - 1] ?? -Infinity, this.#sorted[rank] ?? Infinity]
    // With the present one put in, the one of this rank is itself, or one of its neighbours.
    return Math.max(below, Math.min(present, at))
  }

  #keep(sample: { readonly time: number; readonly value: number }): void {
    this.#whole.push(sample)
    this.#sorted.splice(countBelow(this.#sorted, sample.value), 0, sample.value)
  }

  #dropOldest(): void {
    const { value } = this.#whole.shift()!
    this.#sorted.splice(countBelow(this.#sorted, value), 1)
  }
}

/**
 * Servers for a percentile of what there was in the last three days: the horizontal scaling of Google's Autopilot. Samples are averages
 * of five minutes; their 95th percentile, or highest, over the target is how many servers are recommended; and a recommendation is
 * lowered only to the highest of the last while (`scaleDownStabilization`, an hour here), which the paper calls deferred downscaling.
 *
 * Source: Rzadca et al., "Autopilot: workload autoscaling at Google", EuroSys 2020. There the signal is CPU, the target a share of
 * it, and samples come from a store; here they are kept over a restart where what policies learn is kept. That it leaves small changes
 * out and limits growth is not done here: that is what `maxStepUp` and other limits are for.
 */
export function percentilePolicy(options: PercentileOptions = {}): Policy {
  const { metric, target, percentile, averaging, horizon } = percentileOptions.parse(options)
  const samples = new Samples(averaging, horizon)
  return {
    name: 'percentile',
    ...(metric === 'users' && { usersPerServer: target }),
    limits: { cooldown: 0, scaleDownStabilization: 3600 },
    evaluate(observation) {
      const amount = amountOf(observation, metric)
      if (!amount) return unknownAmount(metric, observation)
      samples.add(observation.time, amount.value)
      const value = samples.percentile(percentile)
      const sized = sizeBy(amount, Math.max(1, Math.ceil(value / target - 1e-9)), observation.desiredCount)
      const seen = { count: samples.all.length + 1, seconds: averaging, value: value.toFixed(1), metric }
      const what =
        percentile === 1
          ? reasons.say('highest', seen)
          : reasons.say('percentile', { ...seen, rank: +(percentile * 100).toFixed(2) })
      return {
        servers: sized.servers,
        reason: sized.because(reasons.say('atTarget', { what, target })),
        numbers: { value, target, samples: samples.all.length + 1 },
      }
    },
    snapshot: () => (samples.all.length > 0 ? { samples: samples.all } : undefined),
    restore: (state, shift) => {
      samples.all = STATE.parse(state).samples.map(({ time, value }) => ({ time: time + shift, value }))
    },
  }
}

export const percentileKind = specKind('percentile', percentileOptions, percentilePolicy)
