export { type FluidOptions, type FluidResult, type FluidWorld, runFluid } from './backtest/fluid.ts'
export { LoadCurve } from './backtest/load-curve.ts'
export { type LowerBound, type LowerBoundOptions, lowerBound } from './backtest/lower-bound.ts'
export { LoadBalancer, type LoadBalancerOptions } from './balancing/load-balancer.ts'
export type { BalancedServer, PlacementRequest, Strategy } from './balancing/strategy.ts'
export { STRATEGY_NAMES, type StrategyName } from './balancing/strategy-names.ts'
export { type Clock, type VirtualClock, virtualClock } from './base/clock.ts'
export {
  constant as constantTime,
  type Distribution,
  exponential,
  gamma,
  lognormal,
  pareto,
  uniform,
} from './base/distribution.ts'
export { ConcertinaError, type ErrorCode } from './base/errors.ts'
export { type Logger, lineLogger, silentLogger } from './base/logger.ts'
export { type Rng, seededRng } from './base/rng.ts'
export { createChat, type EmbeddedChat, type EmbeddedChatOptions } from './chat/embed.ts'
export { type ChatHooks, type PendingMessage, Rejected } from './chat/hooks/hooks.ts'
export type { HookOptions } from './chat/hooks/http-hooks.ts'
export { type RoomLogCheck, roomLogChecks } from './chat/log/conformance.ts'
export { EmbeddedRoomLog } from './chat/log/embedded/embedded.ts'
export { MemoryRoomLog } from './chat/log/memory.ts'
export {
  type Append,
  type Appended,
  type LogEntry,
  LogOverloaded,
  type LogPage,
  LogUnavailable,
  type RoomLog,
  type RoomRange,
} from './chat/log/room-log.ts'
export type { ControlTarget } from './control/control-target.ts'
export { DEMO_SCALE_UP_THRESHOLD, type DemoOptions, runAutoScalingDemo } from './demo.ts'
export { type ProviderCheck, type ProviderCheckOptions, providerChecks } from './fleet/conformance.ts'
export { Fleet, type FleetOptions } from './fleet/fleet.ts'
export {
  AWSIntegration,
  type AWSIntegrationOptions,
  type CloudProvider,
  K8sIntegration,
  type K8sIntegrationOptions,
} from './fleet/integrations.ts'
export type {
  DrainHooks,
  Provider,
  ProviderFactory,
  ServerHooks,
  ServerId,
  ServerLifecycle,
  ServerRef,
} from './fleet/provider.ts'
export { type AwsOptions, awsProvider } from './fleet/providers/aws/provider.ts'
export { type KubernetesOptions, kubernetesProvider } from './fleet/providers/kubernetes/provider.ts'
export { type LocalProviderOptions, localProvider } from './fleet/providers/local.ts'
export { type SimulatedProviderOptions, simulatedProvider } from './fleet/providers/simulated.ts'
export type { Server, ServerLife, ServerState, ServerWork } from './fleet/server.ts'
export { type LiveRunOptions, runLive } from './live/run.ts'
export { MetricsCollector } from './metrics/metrics-collector.ts'
export type { LatencySummary, LiveReport, RunResult, Sample } from './metrics/run-result.ts'
export { ScalingEventsSink } from './metrics/scaling-events-sink.ts'
export { BatchFunction, MapFunction, type OperatorContext, SinkFunction } from './pipeline/functions.ts'
export type {
  Decision,
  Limit,
  ProcessedItem,
  ProcessedMessage,
  RoutedItem,
  ScaledItem,
  ScaledTick,
  TrafficItem,
} from './pipeline/items.ts'
export { type EnvironmentOptions, LocalEnvironment, Pipeline, Stream } from './pipeline/local-environment.ts'
export { summary } from './report/terminal.ts'
export {
  AutoScaler,
  type AutoScalerOptions,
} from './scaling/auto-scaler.ts'
export { type AwsPredictiveOptions, awsPredictivePolicy } from './scaling/policies/aws-predictive.ts'
export { chainPolicy } from './scaling/policies/composite/chain.ts'
export { maxPolicy } from './scaling/policies/composite/max.ts'
export { type HpaOptions, hpaPolicy } from './scaling/policies/hpa/hpa.ts'
export { type KnativeOptions, knativePolicy } from './scaling/policies/knative.ts'
export { type PercentileOptions, percentilePolicy } from './scaling/policies/percentile.ts'
export { type PredictiveOptions, predictivePolicy } from './scaling/policies/predictive.ts'
export { type QueueingOptions, queueingPolicy } from './scaling/policies/queueing.ts'
export {
  type ScheduleEntry,
  type ScheduleOptions,
  schedulePolicy,
} from './scaling/policies/schedule/schedule.ts'
export { type SloOptions, sloPolicy } from './scaling/policies/slo/slo.ts'
export { type StepAdjustment, type StepOptions, type StepRule, stepPolicy } from './scaling/policies/step.ts'
export { type TargetTrackingOptions, targetTrackingPolicy } from './scaling/policies/target-tracking.ts'
export { thresholdPolicy } from './scaling/policies/threshold.ts'
export { createPolicy, type PolicySpec } from './scaling/policies.ts'
export type { Observation, Policy, Recommendation, ServerObservation } from './scaling/types.ts'
export type {
  ServerOptions,
  SimulationOptions,
} from './simulation/options.ts'
export { RequestProcessor } from './simulation/request-processor.ts'
export { runSimulation, type WatchOptions } from './simulation/run.ts'
export { clamp, jitter, repeat, scale, sequence, sum } from './traffic/combinators.ts'
export type { LoadPattern } from './traffic/load-pattern.ts'
export { constant as constantLoad } from './traffic/patterns/constant.ts'
export { custom } from './traffic/patterns/custom.ts'
export { diurnal } from './traffic/patterns/diurnal.ts'
export { ramp } from './traffic/patterns/ramp.ts'
export { spike } from './traffic/patterns/spike.ts'
export { steps } from './traffic/patterns/steps.ts'
export { threePhase } from './traffic/patterns/three-phase.ts'
export { createPattern, PATTERN_KINDS, type PatternSpec } from './traffic/patterns.ts'
export { parseTrace, readTrace, type Trace, tracePattern } from './traffic/traces/trace.ts'
export {
  type TrafficOptions,
  type UserTrafficOptions,
  UserTrafficSource,
} from './traffic/user-traffic-source.ts'
