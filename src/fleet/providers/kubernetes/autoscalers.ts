import { DESIRED_METRIC } from './hpa-manifest.ts'
import type { HorizontalPodAutoscaler } from './objects.ts'

/** Those that scale a Deployment. */
export function autoscalersOf(
  items: readonly HorizontalPodAutoscaler[],
  deployment: string,
): readonly HorizontalPodAutoscaler[] {
  return items.filter(({ spec: { scaleTargetRef } }) => {
    return scaleTargetRef.kind === 'Deployment' && scaleTargetRef.name === deployment
  })
}

const PRINT = '`--print-hpa` prints the right one'

/** The size that is published for an HPA. */
export interface PublishedSize {
  readonly desired: number
  /** Whether autoscalers have had time to ask for it: their status counts. */
  readonly isAsked: boolean
}

/** What keeps the autoscalers of a Deployment from giving it the size that is published. */
export function obstaclesIn(
  found: readonly HorizontalPodAutoscaler[],
  { desired, isAsked }: PublishedSize,
): string[] {
  const [hpa, ...others] = found
  if (!hpa) return [`no HorizontalPodAutoscaler scales the Deployment by the published size: ${PRINT}`]
  const { name } = hpa.metadata
  const called = `the HorizontalPodAutoscaler ${name}`
  const { minReplicas = 1, maxReplicas, metrics = [], behavior = {} } = hpa.spec
  const obstacles: string[] = []
  for (const other of others)
    obstacles.push(`${called} and ${other.metadata.name} both scale the Deployment: delete one of them`)
  const ours = metrics.filter(({ external }) => external?.metric.name === DESIRED_METRIC)
  if (ours.length === 0) obstacles.push(`${called} does not scale by the metric ${DESIRED_METRIC}: ${PRINT}`)
  else if (metrics.length > ours.length)
    obstacles.push(`${called} has other metrics, too, and follows whichever asks for more: ${PRINT}`)
  for (const direction of ['scaleUp', 'scaleDown'] as const) {
    const { tolerance, stabilizationWindowSeconds } = behavior[direction] ?? {}
    if (tolerance === undefined || Number.parseFloat(tolerance) !== 0) {
      obstacles.push(
        `${called} has a tolerance (10 % by default) and ignores small steps, as from 20 to 21: behavior.${direction}.tolerance must be 0 (Kubernetes 1.35, or 1.33 with the feature gate HPAConfigurableTolerance)`,
      )
    }
    const window = stabilizationWindowSeconds ?? (direction === 'scaleDown' ? 300 : 0)
    if (window > 0)
      obstacles.push(
        `${called} waits for ${window} s: behavior.${direction}.stabilizationWindowSeconds must be 0`,
      )
  }
  if (desired > maxReplicas) obstacles.push(`${called} has maxReplicas ${maxReplicas}, and more are desired`)
  if (desired < minReplicas) obstacles.push(`${called} has minReplicas ${minReplicas}, and fewer are desired`)
  for (const { type, status, reason, message } of hpa.status?.conditions ?? []) {
    if (isAsked && status === 'False' && type !== 'ScalingLimited')
      obstacles.push(`${called} does not scale: ${reason}: ${message}`)
  }
  return obstacles
}
