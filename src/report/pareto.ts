import { type Html, html } from '../base/html.ts'
import { type ComparisonTexts, comparisonTexts } from './comparison-texts.ts'
import { medians, nonDominated, type ParetoPoint } from './pareto-points.ts'
import { PALETTE } from './svg-chart.ts'

/** As wide as a phone, so that it can be read there; the figures are below. */
const WIDTH = 420
/** Edges of the part with the dots. */
const [LEFT, RIGHT, TOP, BOTTOM] = [46, WIDTH - 20, 46, 340]
/** How much larger it is by default than on a phone. */
const ENLARGED = 1.4
/** The least overload that is distinguished; lower values are drawn slightly beside it. */
const LEAST = 1e-5
const BELOW = LEAST / 4
const CHEAPEST = 0.3

const STYLE = html`<style>
.pareto{max-width:37rem;--ink:#1b1f26;--quiet:#5b6472;--line:#e3e6eb;--ground:#fff;--bad:#c92a2a}
@media(prefers-color-scheme:dark){.pareto{--ink:#e6e9ee;--quiet:#98a2b3;--line:#2c323c;--ground:#14171c;--bad:#ff8787}}
.pareto text{font:11px system-ui,sans-serif;fill:var(--quiet)}.pareto .row{font-size:13px}.pareto .name{fill:var(--ink)}.pareto .best{fill:var(--ink);font-weight:700}
.pareto .grid{stroke:var(--line);fill:none}.pareto .allowed{stroke:var(--bad);stroke-dasharray:5 4;fill:none}.pareto .beyond{fill:var(--bad);fill-opacity:.05}
.pareto .limit{fill:var(--bad)}.pareto .aside{stroke:var(--quiet)}.pareto .front{stroke:var(--quiet);stroke-width:1.2;stroke-dasharray:2 3;fill:none}.pareto .halo{stroke:var(--ground);stroke-width:4;paint-order:stroke}</style>`

type Place = readonly [x: number, y: number]

const shown = (share: number) => (share > 0 && share < 5e-6 ? '<0.001 %' : `${(share * 100).toFixed(3)} %`)
const figuresOf = ({ overload, cost }: ParetoPoint) => `${shown(overload)}, ${cost.toFixed(2)} ×`

function text([x, y]: Place, what: string, { anchor = 'middle', className = '' } = {}): Html {
  const kind = className ? html` class="${className}"` : undefined
  return html`<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}"${kind}>${what}</text>`
}

/** Both logarithmic axes. */
class Axes {
  readonly #worst: number
  readonly #least: number
  readonly #most: number

  constructor(points: readonly ParetoPoint[]) {
    const costs = points.map(({ cost }) => cost)
    this.#worst = Math.max(0.01, ...points.map(({ overload }) => overload)) * 1.3
    this.#least = Math.max(CHEAPEST, Math.min(0.9, ...costs) * 0.9)
    this.#most = Math.max(2, ...costs) * 1.15
  }

  x(overload: number): number {
    const at = overload < LEAST ? BELOW : overload
    return LEFT + 12 + (Math.log(at / BELOW) / Math.log(this.#worst / BELOW)) * (RIGHT - LEFT - 12)
  }

  y(cost: number): number {
    const share = Math.log(Math.max(this.#least, cost) / this.#least) / Math.log(this.#most / this.#least)
    return BOTTOM - share * (BOTTOM - TOP)
  }

  at({ overload, cost }: ParetoPoint): Place {
    return [this.x(overload), this.y(cost)]
  }

  drawn(allowed: number, texts: ComparisonTexts): Html[] {
    const across = [0, LEAST, 1e-4, 1e-3, 1e-2, 0.1, 1].filter((tick) => tick <= this.#worst)
    const up = [0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 10, 20, 50].filter(
      (tick) => tick >= this.#least && tick <= this.#most,
    )
    const limit = this.x(allowed)
    return [
      html`<rect class="beyond" x="${limit.toFixed(1)}" y="${TOP}" width="${(RIGHT - limit).toFixed(1)}" height="${BOTTOM - TOP}"/>`,
      ...across.map((tick) => {
        const x = this.x(tick)
        const label = tick === 0 ? texts.below : `${+(tick * 100).toPrecision(3)} %`
        return html`<path class="grid" d="M${x.toFixed(1)} ${TOP}V${BOTTOM}"/>${text([tick === 0 ? x - 6 : x, BOTTOM + 16], label)}`
      }),
      ...up.map((tick) => {
        const y = this.y(tick)
        const label = text([LEFT - 6, y + 4], `${tick} ×`, { anchor: 'end' })
        const wide = tick === 1 ? html` stroke-width="2.5"` : undefined
        return html`<path class="grid" d="M${LEFT} ${y.toFixed(1)}H${RIGHT}"${wide}/>${label}`
      }),
      html`<path class="allowed" d="M${limit.toFixed(1)} ${TOP}V${BOTTOM}"/>`,
      text([limit, TOP - 8], texts.allowed(`${+(allowed * 100).toPrecision(3)} %`), { className: 'limit' }),
      text([8, TOP - 28], texts.costAxis, { anchor: 'start' }),
      text([RIGHT, BOTTOM + 36], texts.overloadAxis, { anchor: 'end' }),
      text([8, BOTTOM + 36], texts.better, { anchor: 'start' }),
    ]
  }
}

/** A dot; of those colours that come twice the second is hollow. */
function dot([x, y]: Place, n: number, radius: number, opacity: number, title?: string): Html {
  const color = PALETTE[n % PALETTE.length]!
  const paint =
    n < PALETTE.length
      ? html`fill="${color}"`
      : html`fill="none" stroke="${color}" stroke-width="${radius / 3}"`
  const inside = title === undefined ? undefined : html`<title>${title}</title>`
  return html`<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="${radius}" ${paint} opacity="${opacity}">${inside}</circle>`
}

interface Name {
  readonly at: Place
  readonly anchor: 'start' | 'end'
}

/** Positions of a name beside its dot, in the order in which they are tried. */
const BESIDE: readonly Name[] = [
  { at: [11, -8], anchor: 'start' },
  { at: [-11, -8], anchor: 'end' },
  { at: [11, 18], anchor: 'start' },
  { at: [-11, 18], anchor: 'end' },
  { at: [11, 4], anchor: 'start' },
  { at: [-11, 4], anchor: 'end' },
]
/** Of a letter, and of a line. */
const [LETTER, LINE] = [6.8, 13]
/** Of the figures of a policy. */
const ROW = 22
/** Of a large dot with what is free around it. */
const RADIUS = 8

/** Places for dots, each as near to its own as it can be without covering one before it. */
function apart(places: readonly Place[]): Place[] {
  const put: Place[] = []
  for (const [x, y] of places) {
    const around = places.flatMap((_, ring) =>
      Array.from({ length: 16 }, (__, i): Place => {
        const [far, angle] = [ring * RADIUS, (i * Math.PI) / 8]
        return [x + far * Math.cos(angle), y + far * Math.sin(angle)]
      }),
    )
    const isFree = ([left, top]: Place) =>
      left >= LEFT &&
      left <= RIGHT &&
      top >= TOP &&
      top <= BOTTOM &&
      put.every((other) => Math.hypot(other[0] - left, other[1] - top) >= 2 * RADIUS - 1e-9)
    put.push(around.find(isFree) ?? [x, y])
  }
  return put
}

/** Places for the names of dots where they cover neither a dot nor each other, nor leave the picture; none where there is no such place. */
function placeNames(
  named: readonly { at: Place; name: string }[],
  dots: readonly Place[],
): (Name | undefined)[] {
  const occupied = dots.map(([x, y]) => [x - RADIUS, y - RADIUS, x + RADIUS, y + RADIUS] as const)
  return named.map(({ at: [x, y], name }) => {
    for (const {
      at: [dx, dy],
      anchor,
    } of BESIDE) {
      const [from, base] = [x + dx - (anchor === 'end' ? name.length * LETTER : 0), y + dy]
      const box = [from, base - LINE + 3, from + name.length * LETTER, base + 3] as const
      const free = !occupied.some(([l, t, r, b]) => box[0] < r && box[2] > l && box[1] < b && box[3] > t)
      if (!free || box[0] < LEFT || box[2] > RIGHT) continue
      occupied.push(box)
      return { at: [x + dx, base] as Place, anchor }
    }
    return undefined
  })
}

/**
 * Overload against cost, both logarithmic: a large dot for each policy at its median over the traces, a faint one for each trace;
 * to the left and to the bottom is better. A large dot that would cover another is drawn beside it, with a line to its place. Named in
 * the picture, where there is room, are the policies that no other beats in both medians.
 * @param allowed a line at this overload
 */
export function paretoSvg(
  points: readonly ParetoPoint[],
  allowed: number,
  texts: ComparisonTexts = comparisonTexts(),
): Html {
  const axes = new Axes(points)
  const middles = medians(points, texts.medianOf)
  const best = new Set(nonDominated(middles))
  const number = new Map(middles.map(({ group }, i) => [group, i]))
  const several = points.length > middles.length
  const cloud = several
    ? points.map((point) =>
        dot(
          axes.at(point),
          number.get(point.group)!,
          3.2,
          0.38,
          `${point.group}, ${point.label}: ${figuresOf(point)}`,
        ),
      )
    : []
  const own = middles.map((point) => axes.at(point))
  const places = apart(own)
  const aside = places.flatMap(([x, y], i) => {
    const [ownX, ownY] = own[i]!
    if (x === ownX && y === ownY) return []
    return [
      html`<path class="aside" d="M${x.toFixed(1)} ${y.toFixed(1)}L${ownX.toFixed(1)} ${ownY.toFixed(1)}"/>`,
    ]
  })
  const large = middles.map((point, i) =>
    dot(places[i]!, i, 6.5, 1, `${point.group}, ${point.label}: ${figuresOf(point)}`),
  )
  const front = [...best].sort((a, b) => a.overload - b.overload)
  const steps = front
    .map((point, i) => {
      const [x, y] = axes.at(point).map((each) => each.toFixed(1))
      return i === 0 ? `M${x} ${y}` : `H${x}V${y}`
    })
    .join('')
  const beside = placeNames(
    front.map(({ group }) => ({ at: places[number.get(group)!]!, name: group })),
    places,
  )
  const names = front.flatMap(({ group }, i) => {
    const place = beside[i]
    return place ? [text(place.at, group, { anchor: place.anchor, className: 'best halo' })] : []
  })
  const rowAt = (i: number) => BOTTOM + 86 + i * ROW
  const legend = middles.flatMap((point, i) => {
    const y = rowAt(i)
    const className = best.has(point) ? 'row best' : 'row name'
    const name = point.group.length > 28 ? `${point.group.slice(0, 27)}…` : point.group
    return [
      dot([16, y - 4], i, 5.5, 1),
      text([28, y], name, { anchor: 'start', className }),
      text([RIGHT, y], figuresOf(point), { anchor: 'end', className: 'row' }),
    ]
  })
  const traces = new Set(points.map(({ label }) => label)).size
  const caption = several ? texts.medianFaint(traces) : (points[0]?.label ?? '')
  const height = rowAt(middles.length)
  return html`<svg class="pareto" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH * ENLARGED}" height="${height * ENLARGED}" role="img" aria-label="${texts.picture}">
${STYLE}
<rect width="100%" height="100%" style="fill:var(--ground)"/>${axes.drawn(allowed, texts)}<path class="front" d="${steps}"/>${cloud}${aside}${large}${names}${text([8, BOTTOM + 62], caption, { anchor: 'start' })}${legend}</svg>
`
}
