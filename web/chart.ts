import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import type { FleetSnapshot } from '../src/control/control-target.ts'

/** Points that are drawn; older ones are thinned out. */
const MOST = 6000
const color = (name: string) => {
  const probe = document.createElement('span')
  probe.style.color = `var(${name})`
  document.body.append(probe)
  const { color: found } = getComputedStyle(probe)
  probe.remove()
  return found
}

/** Users, users asked for, and ready servers over time. */
export class Chart {
  readonly #holder: HTMLElement
  #plot: uPlot
  #data: number[][] = [[], [], [], []]
  #dirty = false

  constructor(holder: HTMLElement) {
    this.#holder = holder
    this.#plot = this.#make()
    new ResizeObserver(() => this.#plot.setSize({ width: holder.clientWidth, height: 260 })).observe(holder)
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
      this.#plot.destroy()
      this.#plot = this.#make()
    })
  }

  #make(): uPlot {
    const [accent, quiet, good, line] = ['--accent', '--quiet', '--good', '--line'].map(color) as [
      string,
      string,
      string,
      string,
    ]
    const axis = { stroke: quiet, grid: { stroke: line, width: 1 }, ticks: { stroke: line } }
    const clock = (_: uPlot, ticks: number[]) =>
      ticks.map((time) => (time >= 3600 ? `${+(time / 3600).toFixed(2)} h` : `${time} s`))
    return new uPlot(
      {
        width: this.#holder.clientWidth || 600,
        height: 260,
        scales: {
          x: { time: false },
          y: { range: (_, __, most) => [0, Math.max(1, most * 1.1)] },
          servers: { range: (_, __, most) => [0, Math.max(2, most * 1.3)] },
        },
        axes: [
          { ...axis, values: clock },
          { ...axis, label: 'users' },
          { ...axis, scale: 'servers', side: 1, label: 'servers', grid: { show: false } },
        ],
        series: [
          { label: 'seconds', value: (_, value) => (value == null ? '–' : value.toFixed(1)) },
          {
            label: 'users',
            stroke: accent,
            width: 2,
            fill: `color-mix(in srgb, ${accent} 12%, transparent)`,
          },
          { label: 'asked for', stroke: quiet, dash: [4, 4] },
          {
            label: 'servers ready',
            scale: 'servers',
            stroke: good,
            width: 2,
            paths: uPlot.paths.stepped!({ align: 1 }),
          },
        ],
      },
      this.#data as uPlot.AlignedData,
      this.#holder,
    )
  }

  /** Begins with what was before this page. */
  begin(rows: readonly { time: number; load: number; requestedLoad: number; ready: number }[]): void {
    this.#data = [
      rows.map(({ time }) => time),
      rows.map(({ load }) => load),
      rows.map(({ requestedLoad }) => requestedLoad),
      rows.map(({ ready }) => ready),
    ]
    this.#draw()
  }

  add({ time, load, requestedLoad, ready }: FleetSnapshot): void {
    if (time <= (this.#data[0]!.at(-1) ?? -1)) return
    for (const [i, value] of [time, load, requestedLoad, ready].entries()) this.#data[i]!.push(value)
    if (this.#data[0]!.length > MOST) {
      const half = MOST / 2
      // The older half keeps every second point.
      this.#data = this.#data.map((each) => each.filter((_, i) => i >= half || i % 2 === 0))
    }
    this.#draw()
  }

  #draw(): void {
    if (this.#dirty) return
    this.#dirty = true
    requestAnimationFrame(() => {
      this.#dirty = false
      this.#plot.setData(this.#data as uPlot.AlignedData)
    })
  }
}
