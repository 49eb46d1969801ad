import { Histogram, Registry } from 'prom-client'
import { describe, expect, it } from 'vitest'
import { Buckets } from '../base/buckets.ts'
import { histogramText } from '../base/histogram-text.ts'
import { readMetricsText } from './metrics-text.ts'
import { parseTraceparent, type Span, traceparentOf } from './span.ts'
import { SpanBuffer } from './span-buffer.ts'
import { Tracer } from './tracer.ts'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const SPAN = '00f067aa0ba902b7'

describe('traceparent', () => {
  it('is read as it is written', () => {
    for (const sampled of [true, false]) {
      const context = { traceId: TRACE, spanId: SPAN, sampled }
      expect(parseTraceparent(traceparentOf(context))).toEqual(context)
    }
  })

  it.each([
    undefined,
    '',
    `00-${TRACE}-${SPAN}`,
    `ff-${TRACE}-${SPAN}-01`,
    `00-${'0'.repeat(32)}-${SPAN}-01`,
    `00-${TRACE}-${'0'.repeat(16)}-01`,
    `00-${TRACE.toUpperCase()}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}-012`,
  ])('that is none, such as %s, counts as missing', (header) => {
    expect(parseTraceparent(header)).toBeUndefined()
  })

  it('of a later version may have more at its end', () => {
    expect(parseTraceparent(`01-${TRACE}-${SPAN}-01-more`)?.traceId).toBe(TRACE)
  })
})

describe('Tracer', () => {
  const tracer = (ratio: number, followParent = true) => {
    const spans: Span[] = []
    const sink = { add: (span: Span) => void spans.push(span), drop: () => {} }
    return { spans, tracer: new Tracer({ ratio, followParent }, sink) }
  }
  const messages = Array.from({ length: 20_000 }, (_, i) => ({ room: 'r', user: 'u', id: String(i) }))

  it('keeps the share that it was asked for, and the same messages everywhere', () => {
    const [one, other] = [tracer(0.1).tracer, tracer(0.1).tracer]
    const kept = messages.filter((each) => one.ofMessage(each))
    expect(kept.length / messages.length).toBeGreaterThan(0.09)
    expect(kept.length / messages.length).toBeLessThan(0.11)
    expect(messages.map((each) => other.ofMessage(each))).toEqual(messages.map((each) => one.ofMessage(each)))
    expect(messages.some((each) => tracer(0).tracer.ofMessage(each))).toBe(false)
    expect(messages.every((each) => tracer(1).tracer.ofMessage(each))).toBe(true)
  })

  it('gives each message a trace of its own', () => {
    const { tracer: all } = tracer(1)
    expect(new Set(messages.map((each) => all.ofMessage(each)!.traceId)).size).toBe(messages.length)
  })

  it('follows the trace that a request names, unless that is switched off', () => {
    const header = (sampled: boolean) => traceparentOf({ traceId: TRACE, spanId: SPAN, sampled })
    const named = { traceId: TRACE, parentId: SPAN }
    expect(tracer(0).tracer.begin(header(true))).toMatchObject({ ...named, sampled: true })
    expect(tracer(1).tracer.begin(header(false))).toMatchObject({ ...named, sampled: false })
    expect(tracer(1, false).tracer.begin(header(false))).toMatchObject({ ...named, sampled: true })
  })

  it('ends spans at the time of the clock, and those that are not kept nowhere', () => {
    const { tracer: all, spans } = tracer(1)
    const before = Date.now()
    const began = performance.now()
    all.begin().end('kept', { began, attributes: { a: 1 } })
    all.child({ traceId: TRACE, spanId: SPAN, sampled: false }).end('not kept', { began })
    expect(spans.map(({ name }) => name)).toEqual(['kept'])
    expect(Math.abs(spans[0]!.startMs - before)).toBeLessThan(1000)
    expect(spans[0]!.endMs).toBeGreaterThanOrEqual(spans[0]!.startMs)
  })
})

describe('SpanBuffer', () => {
  it('keeps a bounded number, and counts the rest', () => {
    const buffer = new SpanBuffer()
    expect(buffer.drain()).toBeUndefined()
    for (let i = 0; i < 1500; i++) buffer.add({} as Span)
    const { spans, dropped } = buffer.drain()!
    expect([spans.length, dropped]).toEqual([1000, 500])
    expect(buffer.drain()).toBeUndefined()
  })
})

describe('readMetricsText', () => {
  it('reads counters and gauges with their labels', () => {
    const text = [
      '# HELP users Who is "here".',
      '# TYPE users gauge',
      'users{room="a \\"b\\"\\n\\\\,{}",server="2"} 1.5e3',
      'users{room="nan"} NaN',
      '# HELP messages_total All.',
      '# TYPE messages_total counter',
      'messages_total 7',
      '',
    ].join('\n')
    expect(readMetricsText(text)).toEqual([
      {
        name: 'users',
        help: 'Who is "here".',
        type: 'gauge',
        points: [{ labels: { room: 'a "b"\n\\,{}', server: '2' }, value: 1500 }],
      },
      {
        name: 'messages_total',
        help: 'All.',
        type: 'counter',
        points: [{ labels: {}, value: 7 }],
      },
    ])
  })

  it('reads our histograms, by what is in each bucket', () => {
    const buckets = new Buckets([0.1, 1])
    for (const seconds of [0.05, 0.5, 0.6, 7]) buckets.record(seconds)
    const [metric] = readMetricsText(histogramText('latency_seconds', 'Time.', buckets))
    expect(metric).toEqual({
      name: 'latency_seconds',
      help: 'Time.',
      type: 'histogram',
      points: [{ labels: {}, count: 4, sum: buckets.sum, bounds: [0.1, 1], counts: [1, 2, 1] }],
    })
  })

  it('reads those of prom-client, one series for each combination of labels', async () => {
    const registry = new Registry()
    const options = { name: 'gc', help: 'GC.', labelNames: ['kind'], buckets: [1, 2], registers: [registry] }
    const histogram = new Histogram(options)
    histogram.observe({ kind: 'minor' }, 0.5)
    histogram.observe({ kind: 'major' }, 1.5)
    histogram.observe({ kind: 'major' }, 3)
    const [metric] = readMetricsText(await registry.metrics())
    expect(metric?.points).toEqual([
      { labels: { kind: 'minor' }, count: 1, sum: 0.5, bounds: [1, 2], counts: [1, 0, 0] },
      { labels: { kind: 'major' }, count: 2, sum: 4.5, bounds: [1, 2], counts: [0, 1, 1] },
    ])
  })
})
