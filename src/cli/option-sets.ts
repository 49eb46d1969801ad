import { evaluationOptions } from '../backtest/evaluation-options.ts'
import { balancerOptions } from '../balancing/load-balancer.ts'
import { brokerOptions } from '../cluster/broker.ts'
import { demoOptions } from '../demo.ts'
import { autoScalerOptions } from '../scaling/auto-scaler.ts'
import { telemetryOptions } from '../telemetry/options.ts'
import { playOptions, readOptions } from '../traffic/traces/trace.ts'
import { liveOptions } from './config/schema.ts'

/** The options of the library that flags set, by the name of their set. */
export const OPTION_SETS = {
  autoScaler: autoScalerOptions.shape,
  balancer: balancerOptions.shape,
  broker: brokerOptions.shape,
  demo: demoOptions.shape,
  evaluation: evaluationOptions.shape,
  live: liveOptions.shape,
  play: playOptions.shape,
  telemetry: telemetryOptions.shape,
  trace: readOptions.shape,
}

export type OptionSets = typeof OPTION_SETS
