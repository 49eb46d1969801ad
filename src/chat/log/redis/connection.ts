import type { RedisOptions } from 'ioredis'
import { ConcertinaError, withoutUser } from '../../../base/errors.ts'
import { inTime } from '../../../base/in-time.ts'
import { addressesOf, isClusterNode } from './addresses.ts'
import { type ChannelSubscription, Channels } from './channels.ts'
import { type Clients, clusterClients, nodeClients, type RedisModule } from './clients.ts'

/** A connection to one Redis server, or to a Redis Cluster. */
export interface RedisConnection
  extends Pick<Clients, 'commands' | 'publishing' | 'publish' | 'masters' | 'connected' | 'onResubscribed'> {
  subscribe(channel: string, listener: (text: string) => void): ChannelSubscription
  close(): Promise<void>
}

const COMMAND_TIMEOUT_MS = 1500
const CONNECT_TIMEOUT_MS = 3000

/**
 * Connects, and stays connected; to a Redis Cluster when the server is a node of one.
 * @throws {ConcertinaError} BROKER_UNAVAILABLE, or INVALID_INPUT.
 */
export async function connectRedis(url: string, name: string): Promise<RedisConnection> {
  let module: RedisModule
  try {
    module = await import('ioredis')
  } catch {
    throw new ConcertinaError('INVALID_INPUT', 'broker: the package for Redis is not installed', {
      hint: 'npm install ioredis@6',
      where: 'broker',
    })
  }
  const { addresses, options: given } = addressesOf(url)
  const options: RedisOptions = {
    ...given,
    connectionName: name.replaceAll(' ', '-'),
    commandTimeout: COMMAND_TIMEOUT_MS,
    connectTimeout: CONNECT_TIMEOUT_MS,
    keepAlive: 1000,
    lazyConnect: true,
  }
  let failure = 'no answer'
  const note = (error: Error) => {
    failure = error.message
  }

  /** Asks the first server that answers. */
  const findsCluster = async (): Promise<boolean> => {
    for (const address of addresses) {
      const probe = new module.Redis({ ...options, ...address, retryStrategy: () => null })
      probe.on('error', note)
      try {
        await inTime(probe.connect(), CONNECT_TIMEOUT_MS)
        return isClusterNode(await probe.info('cluster'), addresses, options.db)
      } catch (error) {
        if (error instanceof ConcertinaError) throw error
        // A user who may not ask for it.
        if ((error as Error).message.startsWith('NOPERM')) return addresses.length > 1
      } finally {
        probe.disconnect()
      }
    }
    throw new Error(failure)
  }

  let clients: Clients | undefined
  try {
    const onMessage = (channel: string, text: string) => channels.deliver(channel, text)
    const opened = (await findsCluster())
      ? clusterClients(module, addresses, options, onMessage)
      : nodeClients(module, addresses[0]!, options, onMessage)
    clients = opened
    const channels = new Channels(opened.channels)
    const { commands } = opened
    commands.on('error', note)
    await inTime(opened.connect(), CONNECT_TIMEOUT_MS)
    await commands.ping()
    return Object.assign(opened, {
      subscribe: (channel: string, listener: (text: string) => void) => channels.listen(channel, listener),
      async close() {
        channels.close()
        await inTime(commands.quit(), 1000).catch(() => {})
        opened.disconnect()
      },
    })
  } catch (error) {
    clients?.disconnect()
    if (error instanceof ConcertinaError) throw error
    throw new ConcertinaError(
      'BROKER_UNAVAILABLE',
      `broker: ${withoutUser(url)}: ${(error as Error).message || failure}`,
      {
        hint: 'the address of a Redis server that runs, like redis://127.0.0.1:6379',
        where: 'broker',
      },
    )
  }
}
