import { escapeText } from './svg-chart.ts'

export interface ParetoPoint {
  readonly group: string
  readonly label: string
  /** Share of user-time above capacity. */
  readonly overload: number
  /** Server-hours over the floor's. */
  readonly cost: number
}

const WIDTH = 820
const HEIGHT = 520
const [LEFT, RIGHT, TOP, BOTTOM] = [64, 190, 24, 52]
const COLORS = [
  '#3b6fe0',
  '#d9480f',
  '#1f9d62',
  '#8a55d7',
  '#c07a12',
  '#0b7285',
  '#c2255c',
  '#5c7cfa',
  '#66a80f',
  '#495057',
]
/** What is drawn at the left edge: no overload at all. */
const LEAST = 1e-6

/**
 * Overload against cost, both logarithmic, a dot for each policy on each trace: to the left and to the bottom is better.
 * @param allowed a line at this overload
 */
export function paretoSvg(points: readonly ParetoPoint[], allowed: number): string {
  const groups = [...new Set(points.map(({ group }) => group))]
  const most = Math.max(2, ...points.map(({ cost }) => cost)) * 1.1
  const worst = Math.max(0.1, ...points.map(({ overload }) => overload))
  const x = (overload: number) =>
    LEFT + (Math.log(Math.max(LEAST, overload) / LEAST) / Math.log(worst / LEAST)) * (WIDTH - LEFT - RIGHT)
  const y = (cost: number) =>
    HEIGHT - BOTTOM - (Math.log(Math.max(0.9, cost) / 0.9) / Math.log(most / 0.9)) * (HEIGHT - TOP - BOTTOM)
  const text = (at: [number, number], what: string, anchor = 'middle') =>
    `<text x="${at[0].toFixed(1)}" y="${at[1].toFixed(1)}" text-anchor="${anchor}">${escapeText(what)}</text>`
  const across = [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1].filter((tick) => tick <= worst * 1.001)
  const up = [1, 1.2, 1.5, 2, 3, 5, 10, 20, 50].filter((tick) => tick <= most)
  const axes = [
    ...across.map(
      (tick) =>
        `<path class="grid" d="M${x(tick).toFixed(1)} ${TOP}V${HEIGHT - BOTTOM}"/>${text([x(tick), HEIGHT - BOTTOM + 18], tick === LEAST ? '0' : `${+(tick * 100).toPrecision(3)} %`)}`,
    ),
    ...up.map(
      (tick) =>
        `<path class="grid" d="M${LEFT} ${y(tick).toFixed(1)}H${WIDTH - RIGHT}"/>${text([LEFT - 8, y(tick) + 4], `${tick} ×`, 'end')}`,
    ),
    text([(LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12], 'user-time above capacity'),
    text([LEFT, TOP - 8], 'cost over the floor', 'start'),
    `<path class="allowed" d="M${x(allowed).toFixed(1)} ${TOP}V${HEIGHT - BOTTOM}"/>`,
  ]
  const dots = points.map(({ group, label, overload, cost }) => {
    const color = COLORS[groups.indexOf(group) % COLORS.length]
    return `<circle cx="${x(overload).toFixed(1)}" cy="${y(cost).toFixed(1)}" r="4.5" fill="${color}" fill-opacity="0.8"><title>${escapeText(`${group}, ${label}: ${(overload * 100).toFixed(3)} % above capacity, ${cost.toFixed(2)} × the floor`)}</title></circle>`
  })
  const legend = groups.map((group, i) => {
    const at = TOP + 12 + i * 20
    return `<circle cx="${WIDTH - RIGHT + 24}" cy="${at - 4}" r="5" fill="${COLORS[i % COLORS.length]}"/>${text([WIDTH - RIGHT + 36, at], group, 'start')}`
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img" aria-label="Overload against cost">
<style>text{font:12px system-ui,sans-serif;fill:#495057}.grid{stroke:#dee2e6;fill:none}.allowed{stroke:#c92a2a;stroke-dasharray:5 4;fill:none}</style>
<rect width="100%" height="100%" fill="#fff"/>${axes.join('')}${dots.join('')}${legend.join('')}</svg>
`
}
