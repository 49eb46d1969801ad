import type { FleetEvent } from '../../src/control/control-target.ts'
import { eventWords } from '../../src/control/event-words.ts'
import { byId, make } from '../lib/dom.ts'
import { moment } from '../lib/format.ts'
import { language } from '../lib/language.ts'
import { texts } from './texts.ts'

const MOST_EVENTS = 300

/** A sign for each kind of event; the words say the same. */
const sign = ({ kind, decision }: FleetEvent) =>
  kind === 'failure' ? '✕' : kind === 'hand' ? '●' : decision?.action === 'scale_down' ? '▼' : '▲'

/** The decisions with their reasons, and what was done by hand; the newest first. */
export class Events {
  readonly #list = byId('events')
  /** What is marked in the charts: each with its time and kind. */
  #marks: FleetEvent[] = []

  constructor() {
    this.#list.dataset.empty = texts.noEvents
    // What scrolls must be reachable by keyboard.
    this.#list.tabIndex = 0
  }

  /** Those that are kept, oldest first. */
  get marks(): readonly FleetEvent[] {
    return this.#marks
  }

  /** @param first whether these take the place of those shown: then they are not announced */
  add(events: readonly FleetEvent[], first: boolean): void {
    if (first) {
      this.#list.setAttribute('aria-busy', 'true')
      this.#list.replaceChildren()
      this.#marks = []
    }
    this.#marks = [...this.#marks, ...events].slice(-MOST_EVENTS)
    for (const event of events.slice(-MOST_EVENTS)) {
      const item = make('li', event.kind)
      const what = make('i', event.decision?.action ?? '', sign(event))
      what.setAttribute('aria-hidden', 'true')
      const text = make('div', '', eventWords.translate(event.text, language))
      text.prepend(make('time', '', moment(event.time)))
      item.append(what, text)
      this.#list.prepend(item)
    }
    while (this.#list.children.length > MOST_EVENTS) this.#list.lastElementChild!.remove()
    if (first) requestAnimationFrame(() => this.#list.setAttribute('aria-busy', 'false'))
  }
}
