import { type Html, html } from '../base/html.ts'
import type { RecordedClock } from '../traffic/load-pattern.ts'
import { timeTicks } from './time-axis.ts'

/** Colours that are distinguishable on light and dark backgrounds. */
export const PALETTE = [
  '#3b6fe0',
  '#e8590c',
  '#1f9d62',
  '#9c5ce5',
  '#c99a0c',
  '#0f9bb0',
  '#d6336c',
  '#7a8a99',
  '#74a50e',
  '#a0643c',
] as const

/** A line of a chart: `y[i]` at `x[i]`. */
export interface ChartLine {
  readonly name: string
  /** Seconds; default those of the chart. */
  readonly x?: readonly number[]
  /** `undefined` where it was not measured: the line has a gap there. */
  readonly y: readonly (number | undefined)[]
  /** A CSS colour. */
  readonly color: string
  /** Keeps its value until the next point. */
  readonly stepped?: boolean
  readonly dashed?: boolean
  /** Filled down to 0 instead of drawn as a line. */
  readonly area?: boolean
}

/** How a chart is drawn. */
export interface ChartOptions {
  /** The clock of its times; default seconds since the run began. */
  readonly clock?: RecordedClock | undefined
  /** Pixels. */
  readonly height?: number
  /** The end of the left axis; default what the lines need. */
  readonly top?: number
  /** A number of the left axis, for people. */
  format?(value: number): string
  /** What is seen, for those who do not see it; default the title. */
  readonly summary?: string
}

/** Width and height of the drawing in its own units, which is stretched over the chart; and the most points of a line worth drawing. */
const WIDTH = 1000
const FULL = 100
const COLUMNS = 600
const HEIGHT = 240

/** Round numbers that divide 0 to `most` into about five parts; whole ones from 2 on, since there are no halves of servers. */
export function ticks(most: number, about = 5): number[] {
  if (!(most > 0)) return [0]
  const raw = most / about
  const power = 10 ** Math.floor(Math.log10(raw))
  const step = [1, 2, 5, 10]
    .map((each) => each * power)
    .find((each) => each >= raw && (most < 2 || each >= 1))!
  const found: number[] = []
  for (let i = 0; i * step <= most * 1.0001; i++) found.push(+(i * step).toPrecision(12))
  return found
}

/** Points of a line, thinned so that a picture of that many columns looks the same: of each column the lowest and the highest. */
function* thinned(
  x: readonly number[],
  y: readonly (number | undefined)[],
  columns: number,
): Generator<[x: number, y: number | undefined]> {
  const width = (x.at(-1) ?? 0) / columns || 1
  for (let from = 0, to = 0; from < x.length; from = to) {
    let [low, high] = [from, from]
    const column = Math.floor(x[from]! / width)
    const gap = y[from] === undefined
    for (; to < x.length && Math.floor(x[to]! / width) === column && (y[to] === undefined) === gap; to++) {
      if (y[to]! < y[low]!) low = to
      if (y[to]! > y[high]!) high = to
    }
    const kept = new Set([from, low, high, to - 1].sort((a, b) => a - b))
    for (const i of kept) yield [x[i]!, y[i]]
  }
}

/** The line as SVG; a stepped one continues to `until`. */
function path(
  x: readonly number[],
  { y, stepped }: ChartLine,
  at: (x: number, y: number) => [number, number],
  until: number,
): string {
  let d = ''
  let on = false
  let level: number | undefined
  for (const [time, value] of thinned(x, y, COLUMNS)) {
    if (value === undefined) on = false
    // A step that changes nothing need not be drawn.
    else if (!(stepped && on && value === level)) {
      const [px, py] = at(time, value).map((each) => each.toFixed(1)) as [string, string]
      d += !on ? `M${px} ${py}` : stepped ? `H${px}V${py}` : `L${px} ${py}`
      on = true
    }
    level = value
  }
  return stepped && on ? `${d}H${at(until, 0)[0].toFixed(1)}` : d
}

/** The highest value of all, 1 where all are 0; a loop, since there may be more values than arguments of a call. */
function highest(lines: readonly ChartLine[]): number {
  let most = 0
  for (const { y } of lines) for (const value of y) if (value !== undefined && value > most) most = value
  return most || 1
}

/**
 * A line chart over seconds, from 0 up. The lines are SVG that is stretched to the width of the page; labels are text beside it, so
 * that they are as large on a phone.
 */
export function lineChart(
  title: string,
  x: readonly number[],
  lines: readonly ChartLine[],
  { clock, height = HEIGHT, top: end, format = String, summary }: ChartOptions = {},
): Html {
  const right = x.at(-1) || 1
  const top = end ?? highest(lines) * 1.05
  const at = (vx: number, vy: number): [number, number] => [(vx / right) * WIDTH, FULL - (vy / top) * FULL]
  const levels = ticks(top, height < HEIGHT ? 3 : 5).map((tick) => ({ tick, y: +at(0, tick)[1].toFixed(2) }))
  const grid = levels.map(({ y }) => html`<path class="grid" d="M0 ${y}H${WIDTH}"/>`)
  const labels = [
    ...levels.map(({ tick, y }) => html`<b style="top:${y}%">${format(tick)}</b>`),
    ...timeTicks(right, clock).map(
      ({ time, label }, i) =>
        html`<u${i % 2 > 0 ? html` class="minor"` : undefined} style="left:${((time / right) * 100).toFixed(2)}%">${label}</u>`,
    ),
  ]
  const drawn = lines.map((line) => {
    const d = path(line.x ?? x, line, at, right)
    if (line.area) return html`<path class="area" d="M0 ${FULL}L${d.slice(1)}V${FULL}Z"/>`
    const dashes = line.dashed ? html` stroke-dasharray="5 4"` : undefined
    return html`<path fill="none" stroke="${line.color}" stroke-width="1.8"${dashes} d="${d}"/>`
  })
  const legend = lines.map(({ name, color, dashed }) =>
    dashed
      ? html`<span><i class="dashed" style="color:${color}"></i>${name}</span>`
      : html`<span><i style="background:${color}"></i>${name}</span>`,
  )
  return html`<figure><figcaption>${title} ${legend}</figcaption><div class="plot" role="img" aria-label="${summary ?? title}" style="height:${height}px"><svg viewBox="0 0 ${WIDTH} ${FULL}" preserveAspectRatio="none">${grid}${drawn}</svg>${labels}</div></figure>`
}
