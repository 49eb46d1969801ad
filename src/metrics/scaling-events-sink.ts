import { SinkFunction } from '../pipeline/functions.ts'
import type { Decision, Limit, ProcessedItem } from '../pipeline/items.ts'
import { reasons } from '../scaling/reasons.ts'

/** Decisions one after another that changed nothing, all for the same kind of reason. */
export interface UnchangedStretch {
  /** Seconds: of the first, and of the last. */
  readonly from: number
  readonly until: number
  readonly decisions: number
  readonly servers: number
  /** Of the first. */
  readonly reason: string
  readonly limitedBy?: Limit
}

export interface ScalingEventsResult {
  readonly scalingEvents: readonly Decision[]
  readonly unchanged: readonly UnchangedStretch[]
  /** Why nothing was scaled, when nothing was. */
  readonly nothingScaledBecause?: string
}

type Growing = { -readonly [K in keyof UnchangedStretch]: UnchangedStretch[K] }

/** Stretches without a change that are kept. */
const MOST_STRETCHES = 5000

/** Keeps every decision that changed the number of servers, how long there was none, and can say why there was none. */
export class ScalingEventsSink extends SinkFunction<ProcessedItem, ScalingEventsResult> {
  readonly #events: Decision[] = []
  readonly #unchanged: Growing[] = []
  #quiet: Growing | undefined
  #atPeak: Decision | undefined
  #atLowest: Decision | undefined

  execute(item: ProcessedItem): void {
    if (item.kind !== 'tick') return
    const { decision } = item
    if (decision.action !== 'none') {
      this.#events.push(decision)
      this.#quiet = undefined
    } else this.#stay(decision)
    const load = decision.load
    if (load === undefined) return
    if (load > (this.#atPeak?.load ?? -Infinity)) this.#atPeak = decision
    if (load < (this.#atLowest?.load ?? Infinity)) this.#atLowest = decision
  }

  /** One more decision that changed nothing: the stretch continues while the reason is of the same kind. */
  #stay({ time, from: servers, reason, limitedBy }: Decision): void {
    const quiet = this.#quiet
    if (quiet && quiet.limitedBy === limitedBy && quiet.servers === servers) {
      quiet.until = time
      quiet.decisions++
      return
    }
    this.#quiet = { from: time, until: time, decisions: 1, servers, reason, ...(limitedBy && { limitedBy }) }
    if (this.#unchanged.length < MOST_STRETCHES) this.#unchanged.push(this.#quiet)
  }

  result(): ScalingEventsResult {
    const unchanged = this.#unchanged
    if (this.#events.length > 0) return { scalingEvents: this.#events, unchanged }
    const sentence = (when: 'atPeak' | 'atLowest', { time, reason, limitedBy: limit, from }: Decision) => {
      const what = limit ? reasons.say('keptAt', { what: reason, limit, servers: from }) : reason
      return reasons.say(when, { time, what })
    }
    const parts: string[] = []
    if (this.#atPeak) parts.push(sentence('atPeak', this.#atPeak))
    if (this.#atLowest && this.#atLowest !== this.#atPeak) parts.push(sentence('atLowest', this.#atLowest))
    return {
      scalingEvents: [],
      unchanged,
      nothingScaledBecause: parts.join('; ') || reasons.say('endedBefore'),
    }
  }
}
