import { expect, it } from 'vitest'
import { runSimulation } from '../simulation/run.ts'
import { threePhase } from '../traffic/patterns/three-phase.ts'
import { parseTrace, tracePattern } from '../traffic/traces/trace.ts'
import { htmlReport } from './html.ts'
import { ticks } from './svg-chart.ts'

it('is one file that needs nothing else, with charts, metrics, events and how to repeat it', async () => {
  const pattern = threePhase({ duration: 30, baseRate: 5, peakRate: 50 })
  const result = await runSimulation({ pattern, autoScaler: { scaleUpThreshold: 15 }, seed: '<seed>' })
  const html = htmlReport(result, { command: "concertina simulate --seed '<seed>'", config: 'seed: "<b>"' })
  const charts = [...html.matchAll(/<figcaption>([\w, /-]+?) <span>/g)].map(([, title]) => title)
  expect(charts).toEqual([
    'Concurrent users',
    'Servers',
    'Latency',
    'Utilization',
    'Messages/s',
    'Users moved to another server, in all',
    'Cost, server-hours in all',
  ])
  expect(html).toMatch('lower bound')
  expect(html).toMatch('<td>scale up threshold</td><td>15</td>')
  expect(html).toMatch('<td>metric</td><td>users (default)</td>')
  expect(html).not.toMatch(/<script|https?:|<link|<seed>|<b>/)
  expect(html).toMatch('Total requests processed</td><td>')
  for (const { reason } of result.scalingEvents) expect(html).toMatch(reason)
  expect(html).toMatch('concertina simulate --seed &#39;&#60;seed&#62;&#39;')
  expect(html).not.toMatch(/NaN|Infinity|undefined/)
})

it('joins events that follow each other, and hides the decisions that changed nothing until asked', async () => {
  const pattern = threePhase({ duration: 30, baseRate: 5, peakRate: 50 })
  const result = await runSimulation({ pattern, autoScaler: { scaleUpThreshold: 15 } })
  const html = htmlReport(result, { command: 'x' })
  expect(html).toMatch('<td>2 → 4</td>')
  expect(html).toMatch('2 decisions in 5 s')
  expect(html).toMatch('<td>3 → 4</td>')
  // From 0 to 5 s nothing was to be done.
  expect(html).toMatch(/<tr class="same"><td>0 s<\/td><td>2<\/td><td>\d decisions<\/td>/)
  expect(html).toMatch('<input type="checkbox" id="every">')
  const counted = result.unchanged.reduce((sum, { decisions }) => sum + decisions, 0)
  expect(counted + result.scalingEvents.length).toBe(result.samples.length)
})

it('shows the clock of a recording, in the language that is asked for', async () => {
  const text = 'time,users\n2026-03-05T23:58:00Z,10\n2026-03-06T00:03:00Z,70\n'
  const pattern = tracePattern(parseTrace(text, 'load.csv'))
  const result = await runSimulation({ pattern, autoScaler: { scaleUpThreshold: 15 } })
  const html = htmlReport(result, { command: 'x' })
  expect(html).toMatch('>03-06</u>')
  expect(html).toMatch('>00:01</u>')
  expect(html).toMatch(/<td>2026-03-0[56] \d\d:\d\d:\d\d<\/td><td>2 → /)
  const chinese = htmlReport(result, { command: 'x' }, 'zh')
  expect(chinese).toMatch('<html lang="zh-CN">')
  expect(chinese).toMatch('成本下界')
  expect(chinese).not.toMatch(/<h2>[A-Z]/)
})

it('says why nothing was scaled, of a run without load, too', async () => {
  const pattern = threePhase({ duration: 3, baseRate: 0, peakRate: 0 })
  const html = htmlReport(await runSimulation({ pattern }), { command: 'x' })
  expect(html).toMatch(/None: at the peak/)
  expect(html).not.toMatch(/NaN|Infinity|undefined/)
})

it('stays usable with very many scaling events: the later ones folded up, and no more than 5000', async () => {
  const result = await runSimulation({
    pattern: threePhase({ duration: 30, baseRate: 5, peakRate: 50 }),
    autoScaler: { scaleUpThreshold: 15 },
  })
  const [up] = result.scalingEvents
  const down = result.scalingEvents.at(-1)!
  const many = (count: number) => {
    const scalingEvents = Array.from({ length: count }, (_, i) => (i % 2 > 0 ? down : up!))
    return htmlReport({ ...result, scalingEvents, unchanged: [] }, { command: 'x' })
  }
  const rows = (html: string) => html.match(/ → /g)!.length
  expect(many(100)).not.toMatch('<details>')
  expect(many(5000)).toMatch('<summary>4900 more</summary>')
  expect(rows(many(5000))).toBe(5000)
  expect(many(6000)).toMatch('And 1000 more, which --events FILE keeps')
  expect(rows(many(6000))).toBe(5000)
})

it('marks axes with round numbers', () => {
  expect(ticks(52)).toEqual([0, 20, 40])
  expect(ticks(4.2)).toEqual([0, 1, 2, 3, 4])
  expect(ticks(2.1)).toEqual([0, 1, 2])
  expect(ticks(0)).toEqual([0])
})
