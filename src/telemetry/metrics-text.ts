type Labels = Readonly<Record<string, string>>

interface Point {
  readonly labels: Labels
  readonly value: number
}

interface HistogramPoint {
  readonly labels: Labels
  readonly count: number
  readonly sum: number
  /** Upper bounds; `counts` has one more, for what is above the last. */
  readonly bounds: readonly number[]
  readonly counts: readonly number[]
}

/** A metric with its values. */
export type Metric = { readonly name: string; readonly help: string } & (
  | { readonly type: 'counter' | 'gauge'; readonly points: readonly Point[] }
  | { readonly type: 'histogram'; readonly points: readonly HistogramPoint[] }
)

const SAMPLE = /^([\w:]+)(?:\{(.*)\})? (\S+)$/
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g
const ESCAPES: Readonly<Record<string, string>> = { '\\n': '\n', '\\"': '"', '\\\\': '\\' }

const labelsOf = (text = ''): Labels =>
  Object.fromEntries(
    [...text.matchAll(LABEL)].map(([, name, value]) => [
      name!,
      value!.replace(/\\./g, (escaped) => ESCAPES[escaped] ?? escaped),
    ]),
  )

function readNumber(text: string): number {
  if (text === '+Inf') return Infinity
  return text === '-Inf' ? -Infinity : Number(text)
}

interface Sample extends Point {
  readonly name: string
}

/** Reads what `/metrics` answers: the text format of Prometheus. What is not a finite number is left out. */
export function readMetricsText(text: string): Metric[] {
  const kinds = new Map<string, { help: string; type: string; samples: Sample[] }>()
  let current = { help: '', type: '', samples: [] as Sample[] }
  const enter = (name: string) => {
    const known = kinds.get(name)
    current = known ?? { help: '', type: 'gauge', samples: [] }
    if (!known) kinds.set(name, current)
  }
  for (const line of text.split('\n')) {
    const [, keyword, name, rest = ''] = /^# (HELP|TYPE) (\S+) ?(.*)$/.exec(line) ?? []
    if (name !== undefined) {
      enter(name)
      if (keyword === 'HELP') current.help = rest
      else current.type = rest
      continue
    }
    const [, sample, labels, value] = SAMPLE.exec(line) ?? []
    if (sample !== undefined && value !== undefined)
      current.samples.push({ name: sample, labels: labelsOf(labels), value: readNumber(value) })
  }
  return [...kinds].map(([name, { help, type, samples }]): Metric => {
    if (type === 'histogram') return { name, help, type, points: histograms(name, samples) }
    const points = samples.flatMap(({ labels, value }) => (Number.isFinite(value) ? [{ labels, value }] : []))
    return { name, help, type: type === 'counter' ? 'counter' : 'gauge', points }
  })
}

/** One for each combination of labels. Buckets of the text count everything up to their bound. */
function histograms(name: string, samples: readonly Sample[]): HistogramPoint[] {
  const series = new Map<string, { labels: Labels; sum: number; buckets: [bound: number, upTo: number][] }>()
  for (const { name: part, labels: all, value } of samples) {
    const { le, ...labels } = all
    const key = JSON.stringify(labels)
    const one = series.get(key) ?? { labels, sum: 0, buckets: [] }
    series.set(key, one)
    if (part === `${name}_sum`) one.sum = value
    else if (le !== undefined) one.buckets.push([readNumber(le), value])
  }
  return [...series.values()].map(({ labels, sum, buckets }) => ({
    labels,
    sum,
    count: buckets.at(-1)?.[1] ?? 0,
    bounds: buckets.slice(0, -1).map(([bound]) => bound),
    counts: buckets.map(([, upTo], i) => upTo - (buckets[i - 1]?.[1] ?? 0)),
  }))
}
