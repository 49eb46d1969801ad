import type { Cluster, Redis } from 'ioredis'
import { ConcertinaError } from '../../../base/errors.ts'

type RedisClient = Redis | Cluster

/** Two connections to Redis: one for commands, one for subscriptions. */
export interface RedisConnection {
  readonly commands: RedisClient
  readonly subscriber: RedisClient
  readonly connected: boolean
  /** Calls `listener` with what is published to `channel`. Returns the unsubscribe. */
  subscribe(channel: string, listener: (text: string) => void): () => void
  /** Calls `listener` whenever subscriptions are in force again after a lost connection: something may have been missed. */
  onResubscribed(listener: () => void): void
  close(): Promise<void>
}

const COMMAND_TIMEOUT_MS = 1500
const CONNECT_TIMEOUT_MS = 3000

interface Address {
  readonly host: string
  readonly port: number
}

/** `redis://user:password@host:6379/0`; several hosts by commas are nodes of a Redis Cluster. */
function addressesOf(url: string) {
  const tls = url.startsWith('rediss://')
  const rest = url.replace(/^rediss?:\/\//, '')
  const at = rest.lastIndexOf('@')
  const [hosts = '', db] = rest.slice(at + 1).split('/')
  const [username, password] = at < 0 ? [] : rest.slice(0, at).split(':').map(decodeURIComponent)
  const addresses = hosts.split(',').map((each): Address => {
    const { hostname, port } = new URL(`http://${each}`)
    return { host: hostname || '127.0.0.1', port: port === '' ? 6379 : Number(port) }
  })
  const options = {
    ...(username ? { username } : {}),
    ...(password !== undefined ? { password } : {}),
    ...(db ? { db: Number(db) } : {}),
    ...(tls ? { tls: {} } : {}),
  }
  return { addresses, options }
}

/**
 * Connects, and stays connected.
 * @throws {ConcertinaError} BROKER_UNAVAILABLE, or INVALID_INPUT when the client package is missing.
 */
export async function connectRedis(url: string, name: string): Promise<RedisConnection> {
  let module: Pick<typeof import('ioredis'), 'Redis' | 'Cluster'>
  try {
    module = await import('ioredis')
  } catch {
    throw new ConcertinaError('INVALID_INPUT', 'broker: the package for Redis is not installed', {
      hint: 'npm install ioredis@6',
      where: 'broker',
    })
  }
  const { addresses, options } = addressesOf(url)
  const open = (more: { autoResubscribe?: boolean; enableOfflineQueue: boolean }): RedisClient => {
    const common = {
      ...options,
      ...more,
      connectionName: name.replaceAll(' ', '-'),
      commandTimeout: COMMAND_TIMEOUT_MS,
      connectTimeout: CONNECT_TIMEOUT_MS,
      maxRetriesPerRequest: more.enableOfflineQueue ? null : 0,
      keepAlive: 1000,
      lazyConnect: true,
    }
    const retryStrategy = (times: number) => Math.min(500, 50 * times)
    const [first] = addresses
    return addresses.length === 1
      ? new module.Redis({ ...common, ...first!, retryStrategy })
      : new module.Cluster([...addresses], {
          redisOptions: common,
          enableOfflineQueue: more.enableOfflineQueue,
          clusterRetryStrategy: retryStrategy,
          lazyConnect: true,
        })
  }
  const commands = open({ enableOfflineQueue: false })
  const subscriber = open({ autoResubscribe: true, enableOfflineQueue: true })
  let failure = 'no answer'
  for (const client of [commands, subscriber]) {
    client.on('error', (error: Error) => {
      failure = error.message
    })
  }
  const unavailable = () =>
    new ConcertinaError('BROKER_UNAVAILABLE', `broker: ${url}: ${failure}`, {
      hint: 'the address of a Redis server that runs, like redis://127.0.0.1:6379',
      where: 'broker',
    })
  try {
    await within(Promise.all([commands.connect(), subscriber.connect()]), CONNECT_TIMEOUT_MS)
    await commands.ping()
  } catch (error) {
    failure = (error as Error).message || failure
    commands.disconnect()
    subscriber.disconnect()
    throw unavailable()
  }
  const listeners = new Map<string, Set<(text: string) => void>>()
  subscriber.on('message', (channel: string, text: string) => {
    for (const listener of listeners.get(channel) ?? []) {
      try {
        listener(text)
      } catch (fault) {
        console.error(`broker: a message on ${channel} could not be handled: ${String(fault)}`)
      }
    }
  })
  return {
    commands,
    subscriber,
    get connected() {
      return commands.status === 'ready' && subscriber.status === 'ready'
    },
    subscribe(channel, listener) {
      const all = listeners.get(channel) ?? new Set()
      if (all.size === 0) void subscriber.subscribe(channel).catch(() => {})
      all.add(listener)
      listeners.set(channel, all)
      return () => {
        if (!all.delete(listener) || all.size > 0 || listeners.get(channel) !== all) return
        listeners.delete(channel)
        void subscriber.unsubscribe(channel).catch(() => {})
      }
    },
    onResubscribed(listener) {
      subscriber.on('ready', () => setImmediate(listener))
    },
    async close() {
      await within(commands.quit(), 1000).catch(() => {})
      commands.disconnect()
      subscriber.disconnect()
    },
  }
}

async function within<T>(promise: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('no answer in time')), ms)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
