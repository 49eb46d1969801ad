import { expect, it } from 'vitest'
import { runSimulation } from '../simulation/run.ts'
import { threePhase } from '../traffic/patterns/three-phase.ts'
import { htmlReport } from './html.ts'
import { ticks } from './svg-chart.ts'

it('is one file that needs nothing else, with charts, metrics, events and how to repeat it', async () => {
  const pattern = threePhase({ duration: 30, baseRate: 5, peakRate: 50 })
  const result = await runSimulation({ pattern, autoScaler: { scaleUpThreshold: 15 }, seed: '<seed>' })
  const html = htmlReport(result, { command: "concertina simulate --seed '<seed>'", config: 'seed: "<b>"' })
  expect(html.match(/<svg /g)!.length).toBe(3)
  expect(html).not.toMatch(/<script|https?:|<link|<seed>|<b>/)
  expect(html).toMatch('Total requests processed</td><td>')
  for (const { reason } of result.scalingEvents) expect(html).toMatch(reason)
  expect(html).toMatch('concertina simulate --seed &#39;&#60;seed&#62;&#39;')
  expect(html).not.toMatch(/NaN|Infinity|undefined/)
})

it('says why nothing was scaled, of a run without load, too', async () => {
  const pattern = threePhase({ duration: 3, baseRate: 0, peakRate: 0 })
  const html = htmlReport(await runSimulation({ pattern }), { command: 'x' })
  expect(html).toMatch(/None; at the peak/)
  expect(html).not.toMatch(/NaN|Infinity|undefined/)
})

it('stays usable with very many scaling events: the later ones folded up, and no more than 5000', async () => {
  const result = await runSimulation({
    pattern: threePhase({ duration: 30, baseRate: 5, peakRate: 50 }),
    autoScaler: { scaleUpThreshold: 15 },
  })
  const [event] = result.scalingEvents
  const many = (count: number) =>
    htmlReport({ ...result, scalingEvents: new Array(count).fill(event) }, { command: 'x' })
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
