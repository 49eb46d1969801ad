export { LoadBalancer, type LoadBalancerOptions, type RoutedItem } from './balancing/load-balancer.ts'
export { STRATEGY_NAMES, type StrategyName } from './balancing/strategies.ts'
export type { BalancedServer, Placement, Strategy } from './balancing/strategy.ts'
export type { ControlTarget } from './control/control-target.ts'
export { DEMO_SCALE_UP_THRESHOLD, type DemoOptions, runAutoScalingDemo } from './demo.ts'
export { ConcertinaError, type ErrorCode } from './errors.ts'
export { Fleet } from './fleet/fleet.ts'
export type { Provider, ProviderFactory, ServerId, ServerLifecycle } from './fleet/provider.ts'
export type { Server, ServerState, ServerWork } from './fleet/server.ts'
export { type LiveRunOptions, runLive } from './live/run.ts'
export { MetricsCollector } from './metrics/metrics-collector.ts'
export type { LatencySummary, LiveReport, RunResult, Sample } from './metrics/run-result.ts'
export { ScalingEventsSink } from './metrics/scaling-events-sink.ts'
export { type Clock, type VirtualClock, virtualClock } from './pipeline/clock.ts'
export { BatchFunction, MapFunction, type OperatorContext, SinkFunction } from './pipeline/functions.ts'
export { type EnvironmentOptions, LocalEnvironment, Pipeline, Stream } from './pipeline/local-environment.ts'
export { type Logger, lineLogger, silentLogger } from './pipeline/logger.ts'
export { type Rng, seededRng } from './pipeline/rng.ts'
export { summary } from './report/terminal.ts'
export {
  AutoScaler,
  type AutoScalerOptions,
  type ScaledItem,
  type ScaledTick,
} from './scaling/auto-scaler.ts'
export type { Decision, Limit } from './scaling/decision.ts'
export { chainPolicy } from './scaling/policies/chain.ts'
export { type HpaOptions, hpaPolicy } from './scaling/policies/hpa.ts'
export { type KnativeOptions, knativePolicy } from './scaling/policies/knative.ts'
export { maxPolicy } from './scaling/policies/max.ts'
export { type PredictiveOptions, predictivePolicy } from './scaling/policies/predictive.ts'
export { type QueueingOptions, queueingPolicy } from './scaling/policies/queueing.ts'
export { type ScheduleEntry, type ScheduleOptions, schedulePolicy } from './scaling/policies/schedule.ts'
export { type SloOptions, sloPolicy } from './scaling/policies/slo.ts'
export { type StepAdjustment, type StepOptions, type StepRule, stepPolicy } from './scaling/policies/step.ts'
export { type TargetTrackingOptions, targetTrackingPolicy } from './scaling/policies/target-tracking.ts'
export { thresholdPolicy } from './scaling/policies/threshold.ts'
export { createPolicy, type PolicySpec } from './scaling/policies.ts'
export type { Observation, Policy, Recommendation, ServerObservation } from './scaling/policy.ts'
export { clairvoyantFloor, type Floor, type FloorOptions } from './simulation/floor.ts'
export { type FluidOptions, type FluidResult, type FluidWorld, runFluid } from './simulation/fluid.ts'
export { LoadCurve } from './simulation/load-curve.ts'
export type {
  ServerOptions,
  SimulationOptions,
} from './simulation/options.ts'
export {
  type ProcessedItem,
  type ProcessedMessage,
  RequestProcessor,
} from './simulation/request-processor.ts'
export { runSimulation, type WatchOptions } from './simulation/run.ts'
export { clamp, jitter, repeat, scale, sequence, sum } from './traffic/combinators.ts'
export {
  constant as constantTime,
  type Distribution,
  exponential,
  gamma,
  lognormal,
  pareto,
  uniform,
} from './traffic/distribution.ts'
export type { LoadPattern } from './traffic/load-pattern.ts'
export { constant as constantLoad } from './traffic/patterns/constant.ts'
export { custom } from './traffic/patterns/custom.ts'
export { diurnal } from './traffic/patterns/diurnal.ts'
export { ramp } from './traffic/patterns/ramp.ts'
export { spike } from './traffic/patterns/spike.ts'
export { steps } from './traffic/patterns/steps.ts'
export { threePhase } from './traffic/patterns/three-phase.ts'
export { createPattern, PATTERN_KINDS, type PatternSpec } from './traffic/patterns.ts'
export { parseTrace, readTrace, type Trace, tracePattern } from './traffic/trace.ts'
export type { TrafficItem } from './traffic/traffic-item.ts'
export {
  type TrafficOptions,
  type UserTrafficOptions,
  UserTrafficSource,
} from './traffic/user-traffic-source.ts'
