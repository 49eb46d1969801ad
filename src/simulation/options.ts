import type { LoadBalancerOptions } from '../balancing/load-balancer.ts'
import type { FleetOptions } from '../fleet/fleet.ts'
import type { SimulatedProviderOptions } from '../fleet/providers/simulated.ts'
import type { AutoScaler, AutoScalerOptions } from '../scaling/auto-scaler.ts'
import type { LoadPattern } from '../traffic/load-pattern.ts'
import type { TrafficOptions } from '../traffic/user-traffic-source.ts'
import type { RequestProcessorOptions } from './request-processor.ts'

/** A server in virtual time. */
export interface ServerOptions extends RequestProcessorOptions, SimulatedProviderOptions, FleetOptions {}

/** Everything a simulated run depends on: the same options give the same result. */
export interface SimulationOptions {
  pattern: LoadPattern
  /** Seconds; default the pattern's own duration. */
  duration?: number
  /** Default 42. */
  seed?: number | string
  traffic?: TrafficOptions
  autoScaler?: AutoScalerOptions | AutoScaler
  balancer?: LoadBalancerOptions
  server?: ServerOptions
}
