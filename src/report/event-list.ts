import { type Html, html } from '../base/html.ts'
import type { RunResult } from '../metrics/run-result.ts'
import type { UnchangedStretch } from '../metrics/scaling-events-sink.ts'
import type { Decision } from '../pipeline/items.ts'
import { row } from './html-page.ts'
import type { ReportTexts } from './texts.ts'
import { elapsed, moment, timeText } from './time-axis.ts'

/** Rows shown open, and events that can be opened; more would make the page slow. */
const OPEN_ROWS = 100
const MOST_EVENTS = 5000
/** Events in one direction that are no farther apart than this many seconds, or intervals, are one row. */
const TOGETHER_SECONDS = 60
const TOGETHER_INTERVALS = 5

/** Events in one direction, one soon after the other. */
type Group = readonly [Decision, ...Decision[]]

function grouped(events: readonly Decision[], interval: number): Group[] {
  const apart = Math.max(TOGETHER_SECONDS, TOGETHER_INTERVALS * interval)
  const groups: [Decision, ...Decision[]][] = []
  for (const event of events) {
    const group = groups.at(-1)
    const last = group?.at(-1)
    if (group && last?.action === event.action && last.to === event.from && event.time - last.time <= apart)
      group.push(event)
    else groups.push([event])
  }
  return groups
}

const usersText = (load: number | undefined) => (load === undefined ? '?' : String(+load.toFixed(1)))

/** The scaling events of a run with their reasons, those that belong together in one row; what changed nothing is hidden at first. */
export class EventList {
  readonly #result: RunResult
  readonly #texts: ReportTexts

  constructor(result: RunResult, texts: ReportTexts) {
    this.#result = result
    this.#texts = texts
  }

  html(): Html {
    const { scalingEvents, unchanged, nothingScaledBecause, setup } = this.#result
    const texts = this.#texts
    const shown = scalingEvents.slice(0, MOST_EVENTS)
    const groups = grouped(shown, setup.interval)
    const rows = [
      ...groups.map((group) => ({ time: group[0].time, changes: true, html: this.#group(group) })),
      ...unchanged.map((stretch) => ({
        time: stretch.from,
        changes: false,
        html: this.#stretch(stretch),
      })),
    ].sort((a, b) => a.time - b.time)
    const open = rows.findIndex(
      (_, i) => rows.slice(0, i).filter(({ changes }) => changes).length >= OPEN_ROWS,
    )
    const cut = open < 0 ? rows.length : open
    const later = groups.length - OPEN_ROWS
    const rest = scalingEvents.length - shown.length
    const none =
      scalingEvents.length === 0
        ? html`<p>${texts.none}${texts.colon}${texts.because(nothingScaledBecause ?? '')}</p>`
        : undefined
    const toggle =
      unchanged.length > 0
        ? html`<p class="toggle"><label><input type="checkbox" id="every"> ${texts.every}</label></p>`
        : undefined
    return html`${none}${toggle}${this.#table(rows.slice(0, cut).map((each) => each.html))}${
      cut < rows.length
        ? html`<details><summary>${texts.more(later)}</summary>${this.#table(rows.slice(cut).map((each) => each.html))}</details>`
        : undefined
    }${rest > 0 ? html`<p class="quiet">${texts.andMore(rest)}</p>` : undefined}`
  }

  #table(rows: readonly Html[]): Html {
    const { at, servers, load_, why } = this.#texts
    return html`<table class="events">${row([at, servers, load_, why], 'th')}${rows}</table>`
  }

  #time(time: number): string {
    const { setup, duration } = this.#result
    const text = timeText(time, setup.clock)
    if (!setup.clock) return text
    // The day is shown where there is more than one.
    return moment(0, setup.clock).slice(0, 10) === moment(duration, setup.clock).slice(0, 10)
      ? text.slice(11)
      : text
  }

  #reason({ reason, limitedBy, desired }: Decision): string {
    const texts = this.#texts
    const why = texts.because(reason)
    return limitedBy
      ? why + texts.aside(`${texts.desired} ${desired}${texts.list}${texts.heldBy(limitedBy)}`)
      : why
  }

  #group(group: Group): Html {
    const [first] = group
    const last = group.at(-1)!
    const arrow = `${first.from} → ${last.to}`
    if (group.length === 1)
      return row([this.#time(first.time), arrow, usersText(first.load), this.#reason(first)])
    const each = group.map((event) =>
      row([
        this.#time(event.time),
        `${event.from} → ${event.to}`,
        usersText(event.load),
        this.#reason(event),
      ]),
    )
    const span = this.#texts.steps(group.length, elapsed(last.time - first.time))
    return html`<tr><td>${this.#time(first.time)}</td><td>${arrow}</td><td>${usersText(first.load)}</td><td>${this.#reason(
      first,
    )}<details><summary>${span}</summary><table>${each}</table></details></td></tr>`
  }

  #stretch({ from, decisions, servers, reason, limitedBy }: UnchangedStretch): Html {
    const { because, unchanged, heldBy, aside } = this.#texts
    const held = because(reason) + (limitedBy ? aside(heldBy(limitedBy)) : '')
    return html`<tr class="same"><td>${this.#time(from)}</td><td>${servers}</td><td>${unchanged(decisions)}</td><td>${held}</td></tr>`
  }
}
