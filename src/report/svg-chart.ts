import { type Html, html } from '../base/html.ts'

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
  readonly y: readonly number[]
  /** A CSS colour. */
  readonly color: string
  /** Keeps its value until the next point. */
  readonly stepped?: boolean
  readonly dashed?: boolean
  /** Filled down to 0 instead of drawn as a line. */
  readonly area?: boolean
}

const WIDTH = 900
const HEIGHT = 240
const LEFT = 48
const BOTTOM = 26
const TOP = 8
const RIGHT = 22

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

function path(
  x: readonly number[],
  { y, stepped }: ChartLine,
  at: (x: number, y: number) => [number, number],
): string {
  let d = ''
  for (let i = 0; i < x.length; i++) {
    const [px, py] = at(x[i]!, y[i]!)
    d +=
      i === 0
        ? `M${px.toFixed(1)} ${py.toFixed(1)}`
        : stepped
          ? `H${px.toFixed(1)}V${py.toFixed(1)}`
          : `L${px.toFixed(1)} ${py.toFixed(1)}`
  }
  return d
}

/** A line chart over seconds as SVG, from 0 up. */
export function lineChart(title: string, x: readonly number[], lines: readonly ChartLine[]): Html {
  const right = x.at(-1) ?? 1
  const top =
    Math.max(1e-9, ...lines.map(({ y }) => y.reduce((most, each) => Math.max(most, each), 0))) * 1.05
  const at = (vx: number, vy: number): [number, number] => [
    LEFT + (vx / (right || 1)) * (WIDTH - LEFT - RIGHT),
    HEIGHT - BOTTOM - (vy / top) * (HEIGHT - BOTTOM - TOP),
  ]
  const seconds = (time: number) => (right > 7200 ? `${+(time / 3600).toFixed(2)} h` : `${time} s`)
  const across = ticks(right > 7200 ? right / 3600 : right, 8).map((tick) =>
    right > 7200 ? tick * 3600 : tick,
  )
  const grid = [
    ...ticks(top).map((tick) => {
      const [, y] = at(0, tick)
      return html`<path class="grid" d="M${LEFT} ${y}H${WIDTH - RIGHT}"/><text x="${LEFT - 6}" y="${y + 4}" text-anchor="end">${tick}</text>`
    }),
    ...across.map(
      (tick) =>
        html`<text x="${at(tick, 0)[0]}" y="${HEIGHT - 6}" text-anchor="middle">${seconds(tick)}</text>`,
    ),
  ]
  const drawn = lines.map((line) => {
    const d = path(line.x ?? x, line, at)
    if (line.area)
      return html`<path class="area" d="M${LEFT} ${HEIGHT - BOTTOM}L${d.slice(1)}V${HEIGHT - BOTTOM}Z"/>`
    const dashes = line.dashed ? html` stroke-dasharray="5 4"` : undefined
    return html`<path fill="none" stroke="${line.color}" stroke-width="1.8"${dashes} d="${d}"/>`
  })
  const legend = lines.map(({ name, color }) => html`<span><i style="background:${color}"></i>${name}</span>`)
  return html`<figure><figcaption>${title} ${legend}</figcaption><svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${title}">${grid}${drawn}</svg></figure>`
}
