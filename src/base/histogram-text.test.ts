import { expect, it } from 'vitest'
import { Buckets } from './buckets.ts'
import { histogramText } from './histogram-text.ts'

it('counts a value at a bound below it, adds up over servers, and is written cumulatively', () => {
  const one = new Buckets([0.1, 1])
  for (const value of [0.05, 0.1, 0.5]) one.record(value)
  const two = new Buckets([0.1, 1])
  for (const value of [1, 4]) two.record(value)
  one.add(JSON.parse(JSON.stringify(two)))
  expect(histogramText('wait_seconds', 'Time waited.', one)).toBe(`# HELP wait_seconds Time waited.
# TYPE wait_seconds histogram
wait_seconds_bucket{le="0.1"} 2
wait_seconds_bucket{le="1"} 4
wait_seconds_bucket{le="+Inf"} 5
wait_seconds_sum 5.65
wait_seconds_count 5
`)
})
