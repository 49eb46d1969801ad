import type { ChildProcess } from 'node:child_process'
import type { StrategyName } from '../balancing/strategy-names.ts'
import type { Logger } from '../base/logger.ts'
import type { ApiKeyOptions } from '../chat/api/keys.ts'
import type { WebhookOptions } from '../chat/hooks/webhook-options.ts'
import type { RoomLog } from '../chat/log/room-log.ts'
import type { ChatOptions } from '../chat/options.ts'
import type { ProviderFactory } from '../fleet/provider.ts'
import type { LocalProviderOptions } from '../fleet/providers/local.ts'
import type { AccessEntry } from '../http/access-log.ts'
import type { UsersSample } from '../metrics/metrics-collector.ts'
import type { AutoScaler } from '../scaling/auto-scaler.ts'
import type { Tracer } from '../telemetry/tracer.ts'
import type { RebalanceOptions } from './fleet-options.ts'
import type { GatewayOptions } from './gateway.ts'

/** What a live fleet on this machine is made of. */
export interface SupervisorOptions {
  gateway: Omit<GatewayOptions, 'maxPostBytes'>
  /** Folder of the room log; without it rooms live in memory only. */
  data?: string | undefined
  /** Where rooms are kept; default the log in `data`. It is closed with the fleet. */
  roomLog?: RoomLog | undefined
  chat?: ChatOptions
  autoScaler: AutoScaler
  strategy?: StrategyName
  weights?: number[] | undefined
  rebalance?: RebalanceOptions
  /** Users/s that a server takes over from draining ones. */
  acceptRate?: number
  /** Seconds without a message from a server after which it counts as hung and is killed; default 5. */
  hangSeconds?: number
  /** Server processes that are started ahead, so that a scale-out has a server at once; default 0. */
  spares?: number | undefined
  /** A server process that was started ahead, by `withStartedServer`: the first server. */
  started?: ChildProcess | undefined
  /** Whether a policy that can is asked as soon as users who connect pass its threshold, between two ticks; default false. */
  decideEarly?: boolean
  /** Whether policies follow the time of day, as a fleet that serves does; otherwise they see the run's clock alone. */
  timeOfDay?: boolean
  /**
   * Makes the provider from what a server process of this fleet needs, in place of `localProvider`: to wrap it, or to start
   * the processes in another way on this machine.
   */
  provider?: ((processes: LocalProviderOptions) => ProviderFactory) | undefined
  /** Keys of the server API; without any there is no such API. */
  apiKeys?: readonly ApiKeyOptions[] | undefined
  /** Receivers of what happens in rooms. */
  webhooks?: readonly WebhookOptions[] | undefined
  /** Gets what is for an access log: requests, rejections, and connections of the chat that ended. */
  onAccess?: ((entry: AccessEntry) => void) | undefined
  /** Traces messages, requests of backends and hooks, and scaling; default nothing is traced. */
  tracer?: Tracer | undefined
  seed?: number | string
  logger?: Logger
  /** Users that were asked for, where that is known. */
  requestedLoad?: (time: number) => number
  /** What users met, where they are virtual ones; asked at every tick. */
  usersSample?: () => UsersSample
}
