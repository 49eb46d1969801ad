interface DeploymentShape {
  /** Whether the pods have the readiness gate of a controller. */
  readonly gate?: boolean
}

/** A Deployment whose pods have the label `app` and end as soon as they are asked to. */
export function deploymentOf(name: string, replicas: number, { gate = false }: DeploymentShape = {}): object {
  const labels = { app: name }
  return {
    metadata: { name },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          terminationGracePeriodSeconds: 1,
          containers: [{ name: 'chat', image: 'chat' }],
          ...(gate && { readinessGates: [{ conditionType: 'concertina.dev/serving' }] }),
        },
      },
    },
  }
}
