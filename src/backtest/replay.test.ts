import { expect, it } from 'vitest'
import type { Decision } from '../pipeline/items.ts'
import { recorded } from './replay.ts'

const decision = (time: number, from: number, to: number, ready: number, load = 100): Decision => ({
  time,
  action: to > from ? 'scale_up' : to < from ? 'scale_down' : 'none',
  from,
  to,
  ready,
  desired: to,
  load,
  policy: 'some',
  reason: '',
})

it('summarises weeks of decisions', () => {
  const week = 7 * 86_400
  const decisions = Array.from({ length: week + 1 }, (_, t) => {
    const to = Math.floor(t / 50) % 2 === 0 ? 3 : 4
    return decision(t, Math.floor((t - 1) / 50) % 2 === 0 ? 3 : 4, to, to === 4 && t % 50 > 9 ? 4 : 3)
  })
  const { peakServers, provisioningDelay, serverHours } = recorded(decisions, 'log')
  expect({ peakServers, provisioningDelay }).toEqual({ peakServers: 4, provisioningDelay: 10 })
  expect(serverHours).toBeCloseTo((week * 3.5) / 3600, 0)
})

it('counts every scaling event, also the last, for which no time was left', () => {
  const run = recorded([decision(0, 2, 2, 2), decision(10, 2, 3, 2), decision(20, 3, 9, 2)], 'log')
  expect(run).toMatchObject({ scalingEvents: 2, peakServers: 9, serverHours: 50 / 3600 })
})

it('counts a start by the decision that asked for it, and none that was taken back', () => {
  const run = recorded(
    [
      decision(0, 2, 4, 2),
      decision(10, 4, 3, 2), // the fourth is taken back
      decision(20, 3, 5, 3),
      decision(50, 5, 5, 5),
    ],
    'log',
  )
  expect(run.provisioningDelay).toBe(30)
})
