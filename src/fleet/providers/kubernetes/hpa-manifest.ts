/** The external metric whose value is the desired size. Its target is 1 a replica, so the HPA's answer is the size itself. */
export const DESIRED_METRIC = 'concertina-desired-servers'

interface HpaManifestOptions {
  readonly deployment: string
  /** Default: where it is applied to. */
  readonly namespace?: string | undefined
  readonly minReplicas: number
  readonly maxReplicas: number
}

/** An HPA that gives a Deployment the published size, at once and exactly: no tolerance, no stabilization, no step limits. */
export function hpaManifest({ deployment, namespace, minReplicas, maxReplicas }: HpaManifestOptions): object {
  const atOnce = { tolerance: '0', stabilizationWindowSeconds: 0 }
  return {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name: deployment, ...(namespace !== undefined && { namespace }) },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: deployment },
      minReplicas,
      maxReplicas,
      metrics: [
        {
          type: 'External',
          external: {
            metric: { name: DESIRED_METRIC, selector: { matchLabels: { deployment } } },
            target: { type: 'AverageValue', averageValue: '1' },
          },
        },
      ],
      behavior: {
        scaleUp: { ...atOnce, policies: [{ type: 'Pods', value: maxReplicas, periodSeconds: 1 }] },
        scaleDown: { ...atOnce, policies: [{ type: 'Percent', value: 100, periodSeconds: 1 }] },
      },
    },
  }
}
