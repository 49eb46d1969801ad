import { createHash } from 'node:crypto'
import { ConcertinaError } from '../../../base/errors.ts'
import type { Durability } from '../../../protocol/messages.ts'
import { JetStreamError, type Nats, onceReady } from './connection.ts'

export interface StreamOptions {
  /** Prefix of streams and subjects: two services may share a broker. */
  name: string
  /** Copies of each message, each on another server; 3. */
  replicas: number
  /** Streams that rooms are spread over; fixed once they exist. */
  streams: number
  /** Age in seconds, and bytes of a stream, above which the oldest messages are dropped; no bound by default. */
  maxAgeSeconds?: number | undefined
  maxBytes?: number | undefined
  /** Whether the broker is known to sync each write (`sync_interval: always`), which cannot be asked. */
  syncAlways?: boolean | undefined
}

interface StreamInfo {
  readonly created: string
  readonly config: {
    readonly num_replicas: number
    readonly metadata?: Record<string, string>
    readonly max_age: number
    readonly max_bytes: number
  }
  readonly state: { readonly first_seq: number; readonly last_seq: number; readonly num_deleted?: number }
  readonly cluster?: { readonly leader?: string }
}

export interface OpenStreams {
  /** Names this log's life: rooms that were deleted with their stream have another one. */
  readonly epoch: string
  readonly durability: Durability
}

const STREAMS_KEY = 'concertina-streams'
/** A stream of that name exists with another configuration. */
const NAME_IN_USE = 10058
/** No such stream; and more replicas than there are servers. */
const NOT_FOUND = 10059
const TOO_FEW_SERVERS = [10074, 10005]

export const streamName = (name: string, index: number): string => `${name}_${index}`
/** What is published, and what the stream publishes again once it is stored. */
export const storedSubject = (name: string, index: number, token: string): string =>
  `${name}.room.${index}.${token}`
export const liveSubject = (name: string, index: number, token: string): string =>
  `${name}.live.${index}.${token}`

function configOf(options: StreamOptions, index: number) {
  const { name, replicas, streams, maxAgeSeconds = 0, maxBytes = -1 } = options
  return {
    name: streamName(name, index),
    subjects: [storedSubject(name, index, '>')],
    storage: 'file',
    retention: 'limits',
    discard: 'old',
    num_replicas: replicas,
    max_age: Math.round(maxAgeSeconds * 1e9),
    max_bytes: maxBytes,
    max_msgs: -1,
    max_consumers: -1,
    allow_direct: true,
    allow_atomic: true,
    republish: { src: storedSubject(name, index, '>'), dest: liveSubject(name, index, '>') },
    metadata: { [STREAMS_KEY]: String(streams) },
  }
}

/** Creates the streams of the rooms where they are missing, and brings their bounds up to date. */
export async function openStreams(nats: Nats, options: StreamOptions): Promise<OpenStreams> {
  const infos: StreamInfo[] = []
  for (let index = 0; index < options.streams; index++) infos.push(await openStream(nats, options, index))
  const fewest = Math.min(...infos.map(({ config }) => config.num_replicas))
  return {
    epoch: createHash('sha256')
      .update(infos.map(({ created }) => created).join())
      .digest('hex')
      .slice(0, 16),
    durability: fewest > 1 ? 'replicated' : options.syncAlways ? 'disk' : 'memory',
  }
}

async function openStream(nats: Nats, options: StreamOptions, index: number): Promise<StreamInfo> {
  const config = configOf(options, index)
  const info = await onceReady(
    () => create(nats, config),
    (error) =>
      error instanceof JetStreamError && TOO_FEW_SERVERS.includes(error.code)
        ? `at most as many replicas as NATS servers with JetStream (${options.replicas} asked for)`
        : undefined,
  )
  const streams = Number(info.config.metadata?.[STREAMS_KEY])
  if (streams === options.streams) return info
  throw new ConcertinaError(
    'INVALID_INPUT',
    `broker: the rooms of ${options.name} are spread over ${streams} streams, not ${options.streams}`,
    { hint: `${streams}: the number is fixed once the streams exist`, where: 'streams' },
  )
}

async function create(nats: Nats, config: ReturnType<typeof configOf>): Promise<StreamInfo> {
  try {
    const existing = await nats.api<StreamInfo>(`STREAM.INFO.${config.name}`)
    const { max_age, max_bytes, num_replicas, metadata } = existing.config
    const same =
      max_age === config.max_age && max_bytes === config.max_bytes && num_replicas === config.num_replicas
    if (same || metadata?.[STREAMS_KEY] !== config.metadata[STREAMS_KEY]) return existing
    return await nats.api<StreamInfo>(`STREAM.UPDATE.${config.name}`, config)
  } catch (error) {
    if (!(error instanceof JetStreamError) || error.code !== NOT_FOUND) throw error
  }
  try {
    return await nats.api<StreamInfo>(`STREAM.CREATE.${config.name}`, config)
  } catch (error) {
    // Another process was faster.
    if (error instanceof JetStreamError && error.code === NAME_IN_USE)
      return nats.api<StreamInfo>(`STREAM.INFO.${config.name}`)
    throw error
  }
}

/** Whether the stream ever dropped a message, and its last sequence: from its leader. */
export async function streamState(
  nats: Nats,
  stream: string,
): Promise<{ dropped: boolean; lastSequence: number }> {
  const { state } = await nats.api<StreamInfo>(`STREAM.INFO.${stream}`)
  const { first_seq, last_seq, num_deleted = 0 } = state
  return { dropped: first_seq > 1 || num_deleted > 0, lastSequence: last_seq }
}
