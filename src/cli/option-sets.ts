import { comparisonOptions, evaluationOptions, tuningOptions } from '../backtest/evaluation-options.ts'
import { balancerOptions } from '../balancing/load-balancer.ts'
import { signOptions } from '../chat/auth/sign.ts'
import { brokerOptions } from '../cluster/broker.ts'
import { leavingOptions } from '../cluster/chat-node.ts'
import { demoOptions } from '../demo.ts'
import { awsOptions, k8sOptions } from '../fleet/integrations.ts'
import { commandOptions } from '../fleet/providers/command.ts'
import { metricOptions } from '../fleet/providers/kubernetes/metric-api.ts'
import { simulatedProviderOptions } from '../fleet/providers/simulated.ts'
import { kedaOptions } from '../keda/options.ts'
import { prometheusOptions } from '../load-sources/prometheus.ts'
import { autoScalerOptions } from '../scaling/auto-scaler.ts'
import { watchOptions } from '../simulation/options.ts'
import { telemetryOptions } from '../telemetry/options.ts'
import { playOptions, readOptions } from '../traffic/traces/trace.ts'
import { liveOptions } from './config/live-options.ts'

/** The options of the library that flags set, by the name of their set. */
export const OPTION_SETS = {
  autoScaler: autoScalerOptions.shape,
  aws: awsOptions.shape,
  balancer: balancerOptions.shape,
  broker: brokerOptions.shape,
  command: commandOptions.shape,
  comparison: comparisonOptions.shape,
  demo: demoOptions.shape,
  evaluation: evaluationOptions.shape,
  keda: kedaOptions.shape,
  kubernetes: k8sOptions.shape,
  live: liveOptions.shape,
  metric: metricOptions.shape,
  play: playOptions.shape,
  prometheus: prometheusOptions.shape,
  server: leavingOptions.shape,
  simulated: simulatedProviderOptions.shape,
  telemetry: telemetryOptions.shape,
  token: signOptions.shape,
  trace: readOptions.shape,
  tuning: tuningOptions.shape,
  watch: watchOptions.shape,
}

export type OptionSets = typeof OPTION_SETS
