import type { FleetSnapshot } from '../../src/control/control-target.ts'
import type { Decision } from '../../src/pipeline/items.ts'
import { decisionSentence } from '../../src/scaling/decision-words.ts'
import { get } from '../lib/api.ts'
import { byId, set } from '../lib/dom.ts'
import { moment, whole } from '../lib/format.ts'
import { language } from '../lib/language.ts'
import type { History } from './history.ts'
import { texts } from './texts.ts'

/** Milliseconds after the last move of the slider before the fleet is asked. */
const CALM_MS = 120

/** A slider over the past: what the fleet looked like at a moment, and which decision was in force then. */
export class Past {
  readonly #slider = byId<HTMLInputElement>('past')
  readonly #history: () => History | undefined
  readonly #mark: (time: number | undefined) => void
  #timer = 0
  #asked = 0

  /** @param mark shows the moment in the charts; `undefined` for none */
  constructor(history: () => History | undefined, mark: (time: number | undefined) => void) {
    this.#history = history
    this.#mark = mark
    this.#slider.addEventListener('input', () => this.#moved())
    byId('past-now').addEventListener('click', () => {
      this.#slider.value = this.#slider.max
      this.#forget()
    })
  }

  /** Keeps the slider's ends at those of what is known; at its end it follows the present. */
  show({ time }: FleetSnapshot): void {
    const slider = this.#slider
    const atEnd = slider.value === slider.max
    const from = Math.floor(this.#history()?.first ?? 0)
    if (slider.min !== String(from)) slider.min = String(from)
    slider.max = String(Math.max(from + 1, Math.floor(time)))
    if (atEnd) slider.value = slider.max
  }

  #forget(): void {
    clearTimeout(this.#timer)
    this.#asked++
    set(byId('past-state'), 'textContent', texts.pastHelp)
    set(byId('past-why'), 'textContent', '')
    this.#mark(undefined)
  }

  #moved(): void {
    if (this.#slider.value === this.#slider.max) {
      this.#forget()
      return
    }
    const time = this.#slider.valueAsNumber
    const { load, ready, size } = this.#history()?.at(time) ?? {}
    const shown = (value: number | null | undefined) => (value == null ? '?' : whole(value))
    this.#slider.setAttribute('aria-valuetext', moment(time))
    set(
      byId('past-state'),
      'textContent',
      texts.pastState(moment(time), shown(load), shown(ready), shown(size)),
    )
    this.#mark(time)
    clearTimeout(this.#timer)
    this.#timer = window.setTimeout(() => void this.#fetch(time), CALM_MS)
  }

  async #fetch(time: number): Promise<void> {
    const asked = ++this.#asked
    const answer = await get<{ decision?: Decision }>(`/api/decision?at=${time}`).catch(
      (error: Error) => error,
    )
    if (asked !== this.#asked) return
    const text =
      answer instanceof Error
        ? answer.message
        : answer.decision
          ? decisionSentence(answer.decision, moment, language)
          : texts.pastUnknown
    set(byId('past-why'), 'textContent', text)
  }
}
