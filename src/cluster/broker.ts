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

export interface BrokerOptions {
  /** `nats://host:port` or `redis://host:port`, several hosts by commas. */
  url: string
  /** Prefix of all that the cluster keeps at the broker; default `concertina`. */
  name?: string | undefined
  /** Copies of each message in NATS, default 3; replicas that Redis waits for, default 0. */
  replicas?: number | undefined
  /** Seconds after which messages are dropped; never by default. */
  maxAgeSeconds?: number | undefined
  /** Bytes in NATS above which the oldest messages are dropped; no bound by default. */
  maxBytes?: number | undefined
  /** Messages of a room in Redis above which the oldest are dropped; default 10,000. */
  maxMessages?: number | undefined
  /** Whether NATS is known to sync each write (`sync_interval: always`), which cannot be asked. */
  syncAlways?: boolean | undefined
}
