import { connectRedis, type RedisConnection } from '../chat/log/redis/connection.ts'
import { RedisRoomLog } from '../chat/log/redis/redis-room-log.ts'
import { PUT } from '../chat/log/redis/scripts.ts'
import type { Broker, Bus, FilledBrokerOptions, KeyValueStore } from './broker.ts'

function redisBus(redis: RedisConnection, name: string): Bus {
  return {
    get connected() {
      return redis.connected
    },
    publish(topic, text) {
      void redis.commands.publish(`${name}:bus:${topic}`, text).catch(() => {})
    },
    subscribe: (topic, listener) => redis.subscribe(`${name}:bus:${topic}`, listener),
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
