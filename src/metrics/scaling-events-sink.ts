import { SinkFunction } from '../pipeline/functions.ts'
import type { ProcessedItem } from '../pipeline/items.ts'
import type { Decision } from '../scaling/types.ts'

export interface ScalingEventsResult {
  readonly scalingEvents: readonly Decision[]
  /** Why nothing was scaled, when nothing was. */
  readonly nothingScaledBecause?: string
}

/** Keeps every decision that changed the number of servers, and can say why there was none. */
export class ScalingEventsSink extends SinkFunction<ProcessedItem, ScalingEventsResult> {
  readonly #events: Decision[] = []
  #atPeak: Decision | undefined
  #atLowest: Decision | undefined

  execute(item: ProcessedItem): void {
    if (item.kind !== 'tick') return
    const { decision } = item
    if (decision.action !== 'none') this.#events.push(decision)
    const load = decision.load
    if (load === undefined) return
    if (load > (this.#atPeak?.load ?? -Infinity)) this.#atPeak = decision
    if (load < (this.#atLowest?.load ?? Infinity)) this.#atLowest = decision
  }

  result(): ScalingEventsResult {
    if (this.#events.length > 0) return { scalingEvents: this.#events }
    const say = (when: string, { time, reason, limitedBy, from }: Decision) =>
      `at the ${when}, ${time} s in, ${reason}${limitedBy ? `, but ${limitedBy} kept it at ${from} servers` : ''}`
    const parts: string[] = []
    if (this.#atPeak) parts.push(say('peak', this.#atPeak))
    if (this.#atLowest && this.#atLowest !== this.#atPeak) parts.push(say('lowest', this.#atLowest))
    return {
      scalingEvents: [],
      nothingScaledBecause: parts.join('; ') || 'the run ended before the first decision',
    }
  }
}
