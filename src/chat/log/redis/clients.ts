import type { Cluster, Redis, RedisOptions } from 'ioredis'
import type { Address } from './addresses.ts'
import type { ChannelClient } from './channels.ts'
import { ShardedChannels } from './sharded-channels.ts'

export type RedisModule = Pick<typeof import('ioredis'), 'Redis' | 'Cluster' | 'Command'>

/** The connections of one process to Redis: what differs between one server and a cluster. */
export interface Clients {
  readonly commands: Redis | Cluster
  readonly channels: ChannelClient
  /** The command with which a script publishes. */
  readonly publishing: 'PUBLISH' | 'SPUBLISH'
  publish(channel: string, text: string): Promise<unknown>
  /** The servers that take writes: one, or all masters of a cluster. */
  masters(): readonly Redis[]
  /** Whether commands are sent and what is published arrives, as far as it is known. */
  readonly connected: boolean
  /** Calls `listener` whenever subscriptions are in force again after a lost connection: something may have been missed. */
  onResubscribed(listener: () => void): void
  connect(): Promise<unknown>
  disconnect(): void
}

/** How often a client of a cluster asks for its masters: one that hangs cannot report that it was replaced. */
const TOPOLOGY_MS = 2000
const retryStrategy = (times: number) => Math.min(500, 50 * times)
/** Commands fail at once while there is no connection; subscriptions wait for it. */
const COMMANDS = { enableOfflineQueue: false, maxRetriesPerRequest: 0 }
const SUBSCRIPTIONS = { enableOfflineQueue: true, maxRetriesPerRequest: null }

type OnMessage = (channel: string, text: string) => void

export function nodeClients(
  { Redis }: RedisModule,
  address: Address,
  options: RedisOptions,
  onMessage: OnMessage,
): Clients {
  const commands = new Redis({ ...options, ...address, ...COMMANDS, retryStrategy })
  const subscriber = new Redis({ ...options, ...address, ...SUBSCRIPTIONS, retryStrategy })
  subscriber.on('message', onMessage)
  subscriber.on('error', () => {})
  return {
    commands,
    channels: subscriber,
    publishing: 'PUBLISH',
    publish: (channel, text) => commands.publish(channel, text),
    masters: () => [commands],
    get connected() {
      return commands.status === 'ready' && subscriber.status === 'ready'
    },
    onResubscribed: (listener) => void subscriber.on('ready', () => setImmediate(listener)),
    connect: () => Promise.all([commands.connect(), subscriber.connect()]),
    disconnect() {
      commands.disconnect()
      subscriber.disconnect()
    },
  }
}

/** What is published to a channel goes to the master of its hash slot only. */
export function clusterClients(
  { Redis, Cluster, Command }: RedisModule,
  addresses: readonly Address[],
  options: RedisOptions,
  onMessage: OnMessage,
): Clients {
  const commands = new Cluster([...addresses], {
    redisOptions: { ...options, maxRetriesPerRequest: COMMANDS.maxRetriesPerRequest },
    enableOfflineQueue: COMMANDS.enableOfflineQueue,
    slotsRefreshInterval: TOPOLOGY_MS,
    clusterRetryStrategy: retryStrategy,
    // Certificates are for names.
    dnsLookup: (host, found) => found(null, host),
    lazyConnect: true,
  })
  const channels = new ShardedChannels(
    commands,
    (address) => new Redis({ ...options, ...address, ...SUBSCRIPTIONS, retryStrategy: () => null }),
    (channel) => new Command('ssubscribe', [channel]).getSlot()!,
    onMessage,
  )
  return {
    commands,
    channels,
    publishing: 'SPUBLISH',
    publish: (channel, text) => commands.spublish(channel, text),
    masters: () => commands.nodes('master'),
    get connected() {
      return commands.status === 'ready'
    },
    onResubscribed(listener) {
      channels.onResubscribed = listener
    },
    connect: () => commands.connect(),
    disconnect() {
      channels.close()
      commands.disconnect()
    },
  }
}
