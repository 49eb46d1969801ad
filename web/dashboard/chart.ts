import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { make, set } from '../lib/dom.ts'
import { moment, originSeconds, tick } from '../lib/format.ts'
import type { Column, View } from './history.ts'

/** One line of a chart. */
export interface Line {
  readonly column: Column
  /** What the key calls it; lines without a label are not in the key. */
  readonly label?: string
  /** A custom property of the style sheet; without one it is not drawn. */
  readonly color?: `--${string}`
  readonly width?: number
  readonly dash?: readonly number[]
  readonly stepped?: boolean
  readonly filled?: boolean
  /** Shown where nothing is known; default empty. */
  readonly gaps?: 'joined'
  /** `right` has an axis of its own. */
  readonly scale?: 'left' | 'right'
  /** Its text in the key; default the number alone. */
  value?(at: (column: Column) => number | null): string
}

/** Something that happened. */
export interface Mark {
  readonly time: number
  readonly color: `--${string}`
  /** Shown while the pointer is near. */
  readonly text: string
}

/** What a chart shows. */
export interface ChartOptions {
  /** What it is, for those who do not see it. */
  readonly title: string
  /** Pixels. */
  readonly height: number
  readonly lines: readonly Line[]
  /** Only whole numbers on the left axis. */
  readonly whole?: boolean
  /** What the area between two lines is filled with. */
  readonly band?: { readonly high: Column; readonly low: Column; readonly color: `--${string}` }
  /** The time in which the first is above the second is tinted. */
  readonly above?: { readonly column: Column; readonly limit: Column; readonly color: `--${string}` }
  /** Moments that are marked by a line from top to bottom, and one that is chosen. */
  marks?(): readonly Mark[]
  chosen?(): number | undefined
  /** A number of the left axis, for people. */
  format(value: number): string
  /** What is seen, in a sentence. */
  summary(view: View): string
}

/** Steps of the time axis, in seconds. */
const STEPS = [
  1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 604_800,
]
/** Steps of an axis of things that are counted. */
const WHOLE = Array.from({ length: 8 }, (_, i) => [1, 2, 5].map((step) => step * 10 ** i)).flat()
/** The description for those who do not see the chart changes at most this often, milliseconds. */
const DESCRIBE_MS = 5000
const AXIS = 50
/** What happened so near the pointer is named. */
const NEAR_PIXELS = 6

/** Round times of the clock that the axis shows. */
function timeSplits(from: number, to: number, step: number): number[] {
  const origin = originSeconds()
  const found: number[] = []
  for (let i = Math.ceil((from + origin) / step); i * step - origin <= to; i++) found.push(i * step - origin)
  return found
}

function color(name: string): string {
  const probe = make('span')
  probe.style.color = `var(${name})`
  document.body.append(probe)
  const found = getComputedStyle(probe).color
  probe.remove()
  return found
}

const faint = (name: string, percent: number) => `color-mix(in srgb, ${color(name)} ${percent}%, transparent)`

/** Lines over time, with a key that shows their values now or under the pointer. Charts of a page share their pointer. */
export class Chart {
  readonly #holder: HTMLElement
  readonly #options: ChartOptions
  readonly #columns: readonly Column[]
  readonly #key = make('ul', 'key')
  readonly #drawing = make('div', 'drawing')
  #plot: uPlot
  #view: View | undefined
  #described = -DESCRIBE_MS

  constructor(holder: HTMLElement, options: ChartOptions) {
    this.#holder = holder
    this.#options = options
    this.#columns = ['time', ...options.lines.map(({ column }) => column)]
    this.#drawing.setAttribute('role', 'img')
    this.#drawing.setAttribute('aria-label', options.title)
    for (const line of options.lines) if (line.label) this.#key.append(keyItem(line))
    holder.append(this.#key, this.#drawing)
    this.#plot = this.#make()
    const resize = () => this.#plot.setSize({ width: this.#drawing.clientWidth, height: options.height })
    new ResizeObserver(resize).observe(holder)
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
      this.#plot.destroy()
      this.#plot = this.#make()
      if (this.#view) this.draw(this.#view)
    })
  }

  #make(): uPlot {
    const { lines, band, height, format, whole } = this.#options
    const [quiet, grid] = [color('--quiet'), color('--grid')]
    const axis = { stroke: quiet, font: '12px system-ui, sans-serif', ticks: { show: false } }
    const index = (column: Column) => this.#columns.indexOf(column)
    const right = lines.filter(({ scale }) => scale === 'right').map(({ column }) => index(column))
    const rightUsed = (u: uPlot) => right.some((i) => u.data?.[i]?.some((value) => value != null))
    return new uPlot(
      {
        width: this.#drawing.clientWidth || 300,
        height,
        padding: [8, 14, 0, 0],
        legend: { show: false },
        cursor: {
          sync: { key: 'run', scales: ['x', null] },
          drag: { x: false, y: false },
          points: { size: 6 },
        },
        scales: {
          x: { time: false },
          left: { range: (_, __, most) => [0, Math.max(1, most * 1.08)] },
          right: { range: (_, __, most) => [0, Math.max(2, most * 1.3)] },
        },
        axes: [
          {
            ...axis,
            size: 26,
            grid: { show: false },
            incrs: STEPS,
            splits: (_, __, from, to, step) => timeSplits(from, to, step),
            // A time of day with its seconds is as wide as that, with what separates it from the next.
            space: 76,
            values: (_, ticks, __, ___, step) => ticks.map((time) => tick(time, step)),
          },
          {
            ...axis,
            scale: 'left',
            size: AXIS,
            space: 34,
            ...(whole && { incrs: WHOLE }),
            grid: { stroke: grid, width: 1 },
            values: (_, ticks) => ticks.map(format),
          },
          ...(right.length > 0
            ? [
                {
                  ...axis,
                  scale: 'right',
                  side: 1,
                  size: (u: uPlot) => (rightUsed(u) ? AXIS : 0),
                  grid: { show: false },
                  values: (u: uPlot, ticks: number[]) =>
                    ticks.map((servers) => (rightUsed(u) ? String(servers) : '')),
                  incrs: WHOLE,
                },
              ]
            : []),
        ],
        series: [{}, ...lines.map(series)],
        ...(band && {
          bands: [{ series: [index(band.high), index(band.low)], fill: faint(band.color, 16) }],
        }),
        hooks: {
          drawClear: [(u) => this.#underlay(u)],
          setCursor: [() => this.#notify()],
        },
      },
      this.#columns.map(() => []) as unknown as uPlot.AlignedData,
      this.#drawing,
    )
  }

  /** Tints the time above the limit, and marks now. */
  #underlay(u: uPlot): void {
    const { above } = this.#options
    const { columns, now, to } = this.#view ?? {}
    if (!columns || now === undefined || to === undefined) return
    const { ctx, bbox } = u
    const x = (time: number) =>
      Math.min(bbox.left + bbox.width, Math.max(bbox.left, u.valToPos(time, 'x', true)))
    ctx.save()
    if (above) {
      ctx.fillStyle = faint(above.color, 14)
      const [values, limits] = [columns[above.column], columns[above.limit]]
      for (let i = 0, since: number | undefined; i <= values.length; i++) {
        const over = i < values.length && limits[i] != null && (values[i] ?? 0) > limits[i]!
        if (over) since ??= columns.time[i]!
        else if (since !== undefined) {
          const [left, end] = [x(since), x(columns.time[Math.min(i, values.length - 1)]!)]
          ctx.fillRect(left, bbox.top, Math.max(1, end - left), bbox.height)
          since = undefined
        }
      }
    }
    const upright = (time: number, stroke: string, width: number, dash: number[]) => {
      ctx.strokeStyle = stroke
      ctx.lineWidth = width * devicePixelRatio
      ctx.setLineDash(dash.map((each) => each * devicePixelRatio))
      ctx.beginPath()
      ctx.moveTo(x(time), bbox.top)
      ctx.lineTo(x(time), bbox.top + bbox.height)
      ctx.stroke()
    }
    const { from = 0 } = this.#view ?? {}
    for (const mark of this.#options.marks?.() ?? [])
      if (mark.time >= from && mark.time <= to) upright(mark.time, faint(mark.color, 45), 1, [])
    const chosen = this.#options.chosen?.()
    if (chosen !== undefined && chosen >= from) upright(chosen, color('--text'), 1.5, [])
    if (to > now) upright(now, color('--quiet'), 1, [2, 3])
    ctx.restore()
  }

  draw(view: View): void {
    this.#view = view
    this.#plot.batch(() => {
      this.#plot.setData(
        this.#columns.map((column) => view.columns[column]) as unknown as uPlot.AlignedData,
        false,
      )
      this.#plot.setScale('x', { min: view.from, max: view.to })
    })
    this.#notify()
    const time = performance.now()
    if (time - this.#described < DESCRIBE_MS) return
    this.#described = time
    this.#drawing.setAttribute('aria-label', `${this.#options.title}: ${this.#options.summary(view)}`)
  }

  /** The moment under the pointer, with what happened near it. */
  #pointed(time: number): string {
    const { from = 0, to = 1 } = this.#view ?? {}
    const near = ((to - from) / Math.max(1, this.#drawing.clientWidth)) * NEAR_PIXELS
    const mark = this.#options.marks?.().findLast((each) => Math.abs(each.time - time) <= near)
    return mark ? `${moment(mark.time)}: ${mark.text}` : moment(time)
  }

  /** Writes the values under the pointer, or the newest, into the key. */
  #notify(): void {
    const { now, columns } = this.#view ?? {}
    if (!columns) return
    const i = this.#plot.cursor.idx ?? columns.time.findLastIndex((time) => time! <= now!)
    const at = (column: Column) => columns[column][i] ?? null
    let item = this.#key.firstElementChild as HTMLElement | null
    for (const { column, label, value } of this.#options.lines) {
      if (!label) continue
      const number = at(column)
      const [, , shown] = item!.children as unknown as HTMLElement[]
      set(item!, 'hidden', number === null && !columns[column].some((each) => each !== null))
      set(shown!, 'textContent', number === null ? '–' : value ? value(at) : this.#options.format(number))
      item = item!.nextElementSibling as HTMLElement | null
    }
    const pointed = this.#plot.cursor.idx == null ? '' : this.#pointed(at('time') ?? 0)
    if (this.#holder.dataset.at !== pointed) this.#holder.dataset.at = pointed
  }
}

function keyItem({ label, color: name, dash }: Line): HTMLLIElement {
  const item = make('li')
  const swatch = make('i', dash ? 'dashed' : '')
  swatch.style.color = `var(${name})`
  item.append(swatch, make('span', '', `${label} `), make('b'))
  return item
}

function series({ color: name, gaps, width, dash, stepped, filled, scale = 'left' }: Line): uPlot.Series {
  return {
    scale,
    ...(name ? { stroke: color(name), width: width ?? 2 } : { auto: false }),
    ...(dash && { dash: [...dash] }),
    ...(stepped && { paths: uPlot.paths.stepped!({ align: 1 }) }),
    ...(name && filled && { fill: faint(name, 12) }),
    // What was not measured is passed over.
    spanGaps: gaps === 'joined',
    points: { show: false },
  }
}
