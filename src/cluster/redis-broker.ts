import { setTimeout as sleep } from 'node:timers/promises'
import { connectRedis, type RedisConnection } from '../chat/log/redis/connection.ts'
import { RedisRoomLog } from '../chat/log/redis/redis-room-log.ts'
import { PUT } from '../chat/log/redis/scripts.ts'
import type { Broker, Bus, FilledBrokerOptions, KeyValueStore } from './broker.ts'

const PROBE_MS = 500

function redisBus(redis: RedisConnection, name: string): Bus {
  const { commands } = redis
  const channelOf = (topic: string) => `${name}:bus:${topic}`
  let failing = false
  /** One master of a cluster may be away while the others answer: then its topics are silent, which means nothing. */
  const untilAnswered = async (channel: string) => {
    if (failing) return
    failing = true
    while (failing && commands.status !== 'end') {
      await sleep(PROBE_MS, undefined, { ref: false })
      failing = await commands.exists(channel).then(
        () => false,
        () => true,
      )
    }
  }
  return {
    get connected() {
      return redis.connected && !failing
    },
    publish(topic, text) {
      const channel = channelOf(topic)
      redis.publish(channel, text).catch(() => untilAnswered(channel))
    },
    subscribe: (topic, listener) => redis.subscribe(channelOf(topic), listener).stop,
  }
}

function redisStore({ commands }: RedisConnection, name: string): KeyValueStore {
  const keyOf = (key: string) => `${name}:state:{${key}}`
  return {
    async get(key) {
      const [text, version] = await commands.hmget(keyOf(key), 'text', 'version')
      return text == null || version == null ? undefined : { text, version: Number(version) }
    },
    async put(key, text, version) {
      const stored = await commands.eval(PUT, 1, keyOf(key), version, text)
      return stored === null ? undefined : Number(stored)
    },
  }
}

/** Everything around Redis: rooms in streams, state in hashes, the bus over publish and subscribe. */
export async function openRedisBroker(options: FilledBrokerOptions, process: string): Promise<Broker> {
  const { url, name, maxAgeSeconds, maxMessages, replicas } = options
  const redis = await connectRedis(url, process)
  try {
    const log = await RedisRoomLog.open(redis, { name, maxAgeSeconds, maxMessages, replicas })
    return {
      bus: redisBus(redis, name),
      store: redisStore(redis, name),
      openLog: async () => log,
      async close() {
        await log.close()
        await redis.close()
      },
    }
  } catch (error) {
    await redis.close()
    throw error
  }
}
