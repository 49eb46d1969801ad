import { z } from 'zod'
import { count, type Filled, type OptionsOf, option, optionSet } from '../base/options.ts'
import type { RoomLog } from '../chat/log/room-log.ts'

/** Messages between the processes of a cluster that may be lost: presence, typing, status, commands. */
export interface Bus {
  /** Whether the broker can be reached now. While it cannot, silence means nothing. */
  readonly connected: boolean
  /** Sends and forgets. */
  publish(topic: string, text: string): void
  /** Calls `listener` with what is published to `topic` from now on, by this process, too. Returns the unsubscribe. */
  subscribe(topic: string, listener: (text: string) => void): () => void
}

export interface Versioned {
  readonly text: string
  readonly version: number
}

/** Small values that all processes of a cluster agree on. */
export interface KeyValueStore {
  get(key: string): Promise<Versioned | undefined>
  /**
   * Writes on condition that the value has this version still; 0: that there is none.
   * @returns the new version, or `undefined` when another was faster
   */
  put(key: string, text: string, version: number): Promise<number | undefined>
}

/** What the processes of a cluster share. */
export interface Broker {
  readonly bus: Bus
  readonly store: KeyValueStore
  openLog(): Promise<RoomLog>
  close(): Promise<void>
}

const ADDRESSES = 'nats://host:4222 or redis://host:6379, several hosts by commas'

/** What a broker is asked for. */
export const brokerOptions = optionSet({
  url: z
    .string()
    .regex(/^(nats|tls|rediss?):\/\//)
    .meta({ allowed: ADDRESSES, description: `what the cluster shares: ${ADDRESSES}` }),
  name: option(
    z
      .string()
      .regex(/^[A-Za-z0-9_-]{1,32}$/)
      .meta({ allowed: '1 to 32 letters, digits, - and _' }),
    'separates clusters that share a broker',
    'concertina',
  ),
  replicas: option(
    z.number().int().min(0).max(5),
    'copies of each message in NATS, default 3; replicas that Redis waits for, default 0',
  ),
  maxAgeSeconds: option(z.number().min(1), 'seconds after which messages are dropped; default never'),
  maxBytes: option(count, 'bytes in NATS above which the oldest messages are dropped; default no bound'),
  maxMessages: option(
    z.number().int().min(0),
    'messages of a room in Redis above which the oldest are dropped',
    10_000,
  ),
  syncAlways: option(
    z.boolean(),
    'NATS is set to sync_interval: always, so that one copy is on disk; it cannot be asked',
    false,
  ),
})

/** What a broker is asked for. */
export type BrokerOptions = OptionsOf<typeof brokerOptions.shape>
/** The same with the defaults. */
export type FilledBrokerOptions = Filled<typeof brokerOptions.shape>
