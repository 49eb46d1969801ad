import { describe, expect, it } from 'vitest'
import { DrainMeter } from './drain-meter.ts'
import type { ServerObservation } from './types.ts'

/** A fleet that loses a server every `every` seconds, each of which drains for `lasts`; decisions `interval` seconds apart. */
function watched(lasts: number, every: number, interval = 30) {
  const meter = new DrainMeter()
  for (let time = 0; time < 30_000; time += interval) {
    const servers: ServerObservation[] = []
    for (let id = Math.max(1, Math.ceil((time - lasts) / every)); id * every <= time; id++)
      if (time < id * every + lasts) servers.push({ id, state: 'draining', users: 1 })
    meter.see({ time, load: 100, desiredCount: 1000 - Math.floor(time / every), servers })
  }
  return meter
}

describe('the drain meter', () => {
  it.each([
    [300, 900],
    [1800, 300],
    [1800, 60],
    [90, 3000],
  ])('learns that servers drain %i s, one every %i s', (lasts, every) => {
    expect(watched(lasts, every).seconds / lasts).toBeGreaterThan(0.8)
    expect(watched(lasts, every).seconds / lasts).toBeLessThan(1.1)
  })

  it('knows nothing before a server drained, and continues with what it knew', () => {
    expect(new DrainMeter().seconds).toBe(0)
    const meter = new DrainMeter()
    meter.restore(watched(600, 900).snapshot())
    expect(meter.seconds).toBeCloseTo(watched(600, 900).seconds)
  })

  it('looks at no server while none can drain', () => {
    const meter = new DrainMeter()
    for (const time of [0, 30, 60])
      meter.see({
        time,
        load: 1,
        desiredCount: 3,
        get servers(): ServerObservation[] {
          throw new Error('looked')
        },
      })
    expect(meter.seconds).toBe(0)
  })
})
