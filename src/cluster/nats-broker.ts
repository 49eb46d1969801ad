import { setTimeout as sleep } from 'node:timers/promises'
import { deliver } from '../chat/log/deliver.ts'
import { connectNats, JetStreamError, type Nats, onceReady } from '../chat/log/nats/connection.ts'
import { NatsRoomLog } from '../chat/log/nats/nats-room-log.ts'
import type { Broker, Bus, FilledBrokerOptions, KeyValueStore, Versioned } from './broker.ts'

const STORE_TIMEOUT_MS = 1000
const FLUSH_MS = 1000
const NO_MESSAGE = 10037
const NAME_IN_USE = 10058
const CONFLICTS = [10071, 10164]

function natsBus({ connection }: Nats, name: string): Bus {
  let connected = true
  const watch = async () => {
    for await (const { type } of connection.status()) {
      if (type === 'disconnect') connected = false
      if (type === 'reconnect') connected = true
    }
  }
  void watch()
  return {
    get connected() {
      return connected && !connection.isClosed()
    },
    publish(topic, text) {
      if (!connection.isClosed()) connection.publish(`${name}.bus.${topic}`, text)
    },
    subscribe(topic, listener) {
      const subscription = connection.subscribe(`${name}.bus.${topic}`, {
        callback: (error, message) => {
          if (!error) deliver(listener, topic, message.string())
        },
      })
      return () => subscription.unsubscribe()
    },
  }
}

/** A stream that keeps the last value of each subject. */
async function natsStore(nats: Nats, name: string, replicas: number): Promise<KeyValueStore> {
  const stream = `${name}_state`
  const subject = (key: string) => `${name}.state.${key}`
  await onceReady(async () => {
    try {
      await nats.api(`STREAM.CREATE.${stream}`, {
        name: stream,
        subjects: [subject('>')],
        storage: 'file',
        retention: 'limits',
        discard: 'old',
        num_replicas: replicas,
        max_msgs_per_subject: 1,
        max_msgs: -1,
        max_bytes: -1,
        max_consumers: -1,
        allow_direct: true,
      })
    } catch (error) {
      if (!(error instanceof JetStreamError) || error.code !== NAME_IN_USE) throw error
    }
  })
  return {
    async get(key): Promise<Versioned | undefined> {
      try {
        const { message } = await nats.api<{ message: { seq: number; data?: string } }>(
          `STREAM.MSG.GET.${stream}`,
          { last_by_subj: subject(key) },
          STORE_TIMEOUT_MS,
        )
        return { text: Buffer.from(message.data ?? '', 'base64').toString(), version: message.seq }
      } catch (error) {
        if (error instanceof JetStreamError && error.code === NO_MESSAGE) return undefined
        throw error
      }
    },
    async put(key, text, version): Promise<number | undefined> {
      const headers = nats.headers()
      headers.set('Nats-Expected-Last-Subject-Sequence', String(version))
      const reply = await nats.connection.request(subject(key), text, { headers, timeout: STORE_TIMEOUT_MS })
      const { seq, error } = reply.json<{
        seq?: number
        error?: { err_code: number; description: string }
      }>()
      if (error && CONFLICTS.includes(error.err_code)) return undefined
      if (error || seq === undefined) throw new Error(error?.description ?? 'the broker gave no answer')
      return seq
    },
  }
}

/** Everything around NATS: rooms and state in JetStream, the bus over plain subjects. */
export async function openNatsBroker(options: FilledBrokerOptions, process: string): Promise<Broker> {
  const { url, name, replicas = 3, maxAgeSeconds, maxBytes, syncAlways } = options
  const nats = await connectNats(url, process)
  try {
    // The room log waits for a broker that is starting, so it is opened first.
    const log = await NatsRoomLog.open(nats, { name, replicas, maxAgeSeconds, maxBytes, syncAlways })
    const store = await natsStore(nats, name, replicas)
    return {
      bus: natsBus(nats, name),
      store,
      openLog: async () => log,
      async close() {
        await log.close()
        // What was published last goes out, unless the broker is away.
        const abort = new AbortController()
        await Promise.race([
          nats.connection.flush().catch(() => {}),
          sleep(FLUSH_MS, undefined, { signal: abort.signal }).catch(() => {}),
        ])
        abort.abort()
        await nats.connection.close()
      },
    }
  } catch (error) {
    await nats.connection.close()
    throw error
  }
}
