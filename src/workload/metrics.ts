import { addScalingMetrics, MetricSet, type MetricsText } from '../live/scaling-metrics.ts'
import type { WorkloadController } from './controller.ts'

/** Prometheus metrics of a workload that is scaled. */
export function workloadMetrics(controller: WorkloadController): MetricsText {
  const metrics = new MetricSet()
  metrics.gauge('load', 'The load as it was read last; absent while it is missing.', () => controller.load)
  metrics.gauge('load_missing', 'Whether the load is missing, so that nothing is scaled in: 1, or 0.', () =>
    controller.load === undefined ? 1 : 0,
  )
  metrics.counter('load_reads', 'Times that the load was asked for.', () => controller.reads.all)
  metrics.counter('load_reads_failed', 'Times that it was missing.', () => controller.reads.failed)
  metrics.counter(
    'provider_problems',
    'Times that the platform of the servers reported a problem.',
    () => controller.providerProblems,
  )
  addScalingMetrics(metrics, controller)
  metrics.process('controller')
  const { contentType } = metrics.registry
  return { contentType, text: () => metrics.registry.metrics() }
}
