import type { StateField } from '../../src/control/state-history.ts'

/** What is drawn; load, capacity and forecasts in users. */
export const COLUMNS = [
  'time',
  'load',
  'asked',
  'capacity',
  'servers',
  'shadowCapacity',
  'shadowServers',
  'whatIf',
  'size',
  'ready',
  'perServer',
  'expected',
  'low',
  'high',
  'p50',
  'p95',
  'p99',
  'messages',
  'deliveries',
] as const

export type Column = (typeof COLUMNS)[number]
type Moment = Record<Column, number | null>

/** Servers over time that are drawn beside: what another policy would have had. */
export interface Overlay {
  readonly times: readonly number[]
  readonly values: readonly number[]
}

/** What of the past, and of what is expected, is shown. */
export interface View {
  /** Seconds since the run began: of the newest state, and of both edges. */
  readonly now: number
  readonly from: number
  readonly to: number
  readonly columns: Readonly<Record<Column, (number | null)[]>>
}

/** A row of the fleet's day: numbers in the order of its fields, `null` or NaN where nothing was known. */
export type DayRow = readonly (number | null)[]

interface Expected {
  readonly time: number
  readonly expected: number
  readonly low: number
  readonly high: number
}

const DAY = 86_400
/** Rows of the last five minutes are this many seconds apart, of the last hour a second, older ones as many as a day of 5,000. */
const NEWEST = 0.25
const thinned = (age: number) => (age < 300 ? 0 : age < 3600 ? 1 : 17)
/** Rows that may come before older ones are thinned out again. */
const THIN_EVERY = 600
const LATENCIES = ['p50', 'p95', 'p99'] as const
/** Parts of the shown time of which two moments are drawn at most: about as many as there are pixels. */
const BUCKETS = 500
/** Seconds of the future that are shown, at most half as many as of the past. */
const LEAST_FUTURE = 60

const known = (value: number | null | undefined) => (value == null || Number.isNaN(value) ? null : value)

/**
 * The moments from `start` on, at most two of each `width` seconds: those with the least and with the most load. Both have
 * the worst latencies of that time; the newest moment stays. The times do not depend on the newest moment, so that nothing flickers.
 */
function condensed(moments: readonly Moment[], start: number, width: number): Moment[] {
  const found: Moment[] = []
  const end = moments.length - 1
  for (let from = start, to = start; from < end; from = to) {
    const bucket = Math.floor(moments[from]!.time! / width)
    let [low, high] = [from, from]
    const worst = { p50: 0, p95: 0, p99: 0 }
    for (; to < end && Math.floor(moments[to]!.time! / width) === bucket; to++) {
      const moment = moments[to]!
      if (moment.load! < moments[low]!.load!) low = to
      if (moment.load! > moments[high]!.load!) high = to
      for (const name of LATENCIES) worst[name] = Math.max(worst[name], moment[name] ?? 0)
    }
    if (to - from <= 2) found.push(...moments.slice(from, to))
    else {
      const [p50, p95, p99] = LATENCIES.map((name) => worst[name] || null) as [number, number, number]
      const kept = low === high ? [low] : [Math.min(low, high), Math.max(low, high)]
      for (const i of kept) found.push({ ...moments[i]!, p50, p95, p99 })
    }
  }
  return [...found, ...moments.slice(Math.max(0, end))]
}

/** Writes the capacity of the overlay's servers into moments in the order of time. */
function lay(moments: Moment[], { times, values }: Overlay): void {
  let i = 0
  for (const [k, moment] of moments.entries()) {
    while (i + 1 < times.length && times[i + 1]! <= moment.time!) i++
    const known = moment.perServer !== null && times[i] !== undefined && times[i]! <= moment.time!
    moments[k] = { ...moment, whatIf: known ? values[i]! * moment.perServer! : null }
  }
}

/** A day of the fleet as the page knows it: fetched when it connects, and then kept up. */
export class History {
  readonly #at: Readonly<Record<StateField, number>>
  #moments: Moment[] = []
  /** Forecasts whose time has not come, and the last whose time has. */
  #pending: Expected[] = []
  #due: Expected | undefined
  #added = 0
  #overlay: Overlay | undefined

  /** @param fields what the numbers of a row are */
  constructor(fields: readonly StateField[]) {
    this.#at = Object.fromEntries(fields.map((field, i) => [field, i])) as Record<StateField, number>
  }

  /** The newest moment, if any. */
  get last(): Moment | undefined {
    return this.#moments.at(-1)
  }

  /** The time of the oldest moment that is known. */
  get first(): number | undefined {
    return this.#moments[0]?.time ?? undefined
  }

  /** The last moment at or before `time`. */
  at(time: number): Moment | undefined {
    return this.#moments.findLast((each) => each.time! <= time)
  }

  /** Draws what another policy would have had, too. */
  setOverlay(overlay: Overlay | undefined): void {
    this.#overlay = overlay
  }

  /** Adds a row; one that is no newer than the last is left out. */
  add(row: DayRow): void {
    const value = (field: StateField) => known(row[this.#at[field]])
    const time = value('time')!
    if (time <= (this.last?.time ?? -Infinity)) return
    const perServer = value('usersPerServer')
    const [ready, shadow] = [value('ready'), value('shadowServers')]
    const inUsers = (servers: number | null) =>
      servers === null || perServer === null ? null : servers * perServer
    const moment: Moment = {
      time,
      load: value('load'),
      asked: value('requestedLoad'),
      capacity: inUsers(ready),
      servers: perServer === null ? ready : null,
      shadowCapacity: inUsers(shadow),
      shadowServers: perServer === null ? shadow : null,
      whatIf: null,
      size: value('size'),
      ready,
      perServer,
      ...this.#expectedAt(time, value),
      // A latency of 0 was not measured.
      p50: value('p50Ms') || null,
      p95: value('p95Ms') || null,
      p99: value('p99Ms') || null,
      messages: value('messagesPerSecond'),
      deliveries: value('deliveriesPerSecond'),
    }
    const before = this.#moments.at(-2)
    // The newest moment moves on until it is far enough from the one before.
    if (before && time - before.time! < NEWEST) this.#moments.pop()
    this.#moments.push(moment)
    if (++this.#added % THIN_EVERY === 0) this.#thin(time)
  }

  /** What had been expected of the load at `time`; and remembers what is expected now. */
  #expectedAt(time: number, value: (field: StateField) => number | null) {
    while (this.#pending.length > 0 && this.#pending[0]!.time <= time) this.#due = this.#pending.shift()
    const due = value('forecastTime')
    if (due === null) {
      this.#pending = []
      this.#due = undefined
      return { expected: null, low: null, high: null }
    }
    while (this.#pending.length > 0 && this.#pending.at(-1)!.time >= due) this.#pending.pop()
    const made = { time: due, expected: value('expected')!, low: value('low')!, high: value('high')! }
    if (due > time) this.#pending.push(made)
    const [a, b] = [this.#due, this.#pending[0]]
    if (!a) return { expected: null, low: null, high: null }
    const share = b ? (time - a.time) / (b.time - a.time) : 0
    const between = (pick: 'expected' | 'low' | 'high') => a[pick] + share * ((b ?? a)[pick] - a[pick])
    return { expected: between('expected'), low: between('low'), high: between('high') }
  }

  #thin(now: number): void {
    const kept: Moment[] = []
    for (const moment of this.#moments) {
      const age = now - moment.time!
      if (age > DAY) continue
      const last = kept.at(-1)
      if (!last || moment.time! - last.time! >= thinned(age)) kept.push(moment)
      else for (const name of LATENCIES) last[name] = Math.max(last[name] ?? 0, moment[name] ?? 0) || null
    }
    this.#moments = kept
  }

  /** The last `span` seconds, and what is expected to come. */
  view(span: number): View {
    const now = this.last?.time ?? 0
    const from = Math.max(this.#moments[0]?.time ?? 0, now - span)
    const limit = now + Math.max(LEAST_FUTURE, (now - from) / 2)
    const future = this.#pending.filter(({ time }) => time > now && time <= limit)
    // One moment before the edge, so that lines reach it.
    const start = Math.max(
      0,
      this.#moments.findLastIndex(({ time }) => time! < from),
    )
    const shown = condensed(this.#moments, start, span / BUCKETS)
    if (this.#overlay) lay(shown, this.#overlay)
    const columns = Object.fromEntries(
      COLUMNS.map((name) => {
        const values: (number | null)[] = []
        for (const moment of shown) values.push(moment[name])
        for (const each of future) values.push((each as Partial<Moment>)[name] ?? null)
        return [name, values]
      }),
    ) as Record<Column, (number | null)[]>
    return { now, from, to: Math.max(from + 1, now, future.at(-1)?.time ?? 0), columns }
  }
}
