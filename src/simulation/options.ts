import { z } from 'zod'
import type { LoadBalancerOptions } from '../balancing/load-balancer.ts'
import { type KeysOf, requireKnown } from '../base/known-keys.ts'
import { option, optionSet, port } from '../base/options.ts'
import type { FleetOptions } from '../fleet/fleet.ts'
import type { SimulatedProviderOptions } from '../fleet/providers/simulated.ts'
import type { AutoScaler, AutoScalerOptions } from '../scaling/auto-scaler.ts'
import type { LoadPattern } from '../traffic/load-pattern.ts'
import type { TrafficOptions } from '../traffic/user-traffic-source.ts'
import type { RequestProcessorOptions } from './request-processor.ts'

/** How a run is watched. */
export const watchOptions = optionSet({
  port: option(port, 'of the dashboard', 8080),
  pace: option(z.number().positive(), 'virtual seconds per real second while it is watched', 1),
})

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

const SERVER_KEYS: KeysOf<ServerOptions> = {
  concurrency: true,
  queueLimit: true,
  serviceTime: true,
  startupDelay: true,
  drainWindow: true,
  weights: true,
  replaceFailed: true,
  onProblem: true,
}

/** The options of a simulation, for those that have more. */
export const SIMULATION_KEYS: KeysOf<SimulationOptions> = {
  pattern: true,
  duration: true,
  seed: true,
  traffic: true,
  autoScaler: true,
  balancer: true,
  server: true,
}

/** @throws {ConcertinaError} INVALID_INPUT, for an option of a server that there is not. */
export const checkServerOptions = (server: ServerOptions): void => requireKnown('server', server, SERVER_KEYS)
