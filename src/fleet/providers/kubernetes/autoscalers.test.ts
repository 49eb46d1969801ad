import { expect, it } from 'vitest'
import { obstaclesIn } from './autoscalers.ts'
import { hpaManifest } from './hpa-manifest.ts'
import type { HorizontalPodAutoscaler } from './objects.ts'

const printed = hpaManifest({
  deployment: 'chat',
  minReplicas: 2,
  maxReplicas: 10,
}) as HorizontalPodAutoscaler

/** What hinders an HPA that differs from the printed one. */
const hindering = (spec: object, desired = 5, status: HorizontalPodAutoscaler['status'] = {}) =>
  obstaclesIn([{ ...printed, spec: { ...printed.spec, ...spec }, status }], { desired, isAsked: true })

it('finds nothing wrong with the HPA that is printed', () => {
  expect(hindering({})).toEqual([])
})

it('names limits, other metrics, a second HPA and what the HPA itself reports', () => {
  expect(hindering({}, 11)).toEqual([expect.stringContaining('maxReplicas 10, and more are desired')])
  expect(hindering({}, 1)).toEqual([expect.stringContaining('minReplicas 2, and fewer are desired')])
  const other = { external: { metric: { name: 'queue' } } }
  expect(hindering({ metrics: [...printed.spec.metrics!, other] })).toEqual([
    expect.stringContaining('other metrics, too'),
  ])
  const two = obstaclesIn([printed, printed], { desired: 5, isAsked: true })
  expect(two).toEqual([expect.stringContaining('both scale the Deployment')])
  const inactive = { type: 'ScalingActive', status: 'False', reason: 'Failed', message: 'no answer' } as const
  const limited = { type: 'ScalingLimited', status: 'False' } as const
  expect(hindering({}, 5, { conditions: [inactive, limited] })).toEqual([
    expect.stringContaining('does not scale: Failed: no answer'),
  ])
})
