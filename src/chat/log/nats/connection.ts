import type { ConnectionOptions, Msg, MsgHdrs, NatsConnection } from '@nats-io/transport-node'
import { ConcertinaError, withoutUser } from '../../../base/errors.ts'
import { retrying } from '../../../base/retrying.ts'

type NatsModule = typeof import('@nats-io/transport-node')

/** One connection to NATS, with the few calls of JetStream's API that room log and key-value store need. */
export interface Nats {
  readonly connection: NatsConnection
  headers(): MsgHdrs
  /** A subject prefix of this process for answers. */
  inbox(): string
  /** A request to JetStream's API; rejects with `JetStreamError` when it answers with an error. */
  api<T>(name: string, body?: object, timeoutMs?: number): Promise<T>
}

/** JetStream answered with an error. */
export class JetStreamError extends Error {
  override readonly name = 'JetStreamError'
  readonly code: number

  constructor(code: number, description: string) {
    super(description)
    this.code = code
  }
}

export interface ApiError {
  readonly error?: { readonly code: number; readonly err_code?: number; readonly description: string }
}

const API_TIMEOUT_MS = 2000
/** How long a broker that starts may have no leader yet, or not all of its servers. */
const STARTING_SECONDS = 20

async function load(): Promise<NatsModule> {
  try {
    const nats = await import('@nats-io/transport-node')
    await import('@nats-io/transport-node/lib/node_transport.js').then(closeUnanswered, () => {})
    return nats
  } catch {
    throw new ConcertinaError('INVALID_INPUT', 'broker: the package for NATS is not installed', {
      hint: 'npm install @nats-io/transport-node@3',
      where: 'broker',
    })
  }
}

interface Transport {
  connected: boolean
  done: boolean
  socket: { destroy(): void } | undefined
  close(error?: Error): Promise<void>
}

const patched = new WeakSet<object>()

/** The client leaves a socket open whose server never said a word: each attempt to reach a frozen one, and after the end. */
function closeUnanswered({
  NodeTransport,
}: {
  readonly NodeTransport: { readonly prototype: unknown }
}): void {
  const transport = NodeTransport.prototype as Transport
  if (patched.has(transport)) return
  patched.add(transport)
  const { close } = transport
  transport.close = async function (this: Transport, error) {
    if (!this.connected) {
      this.done = true
      this.socket?.destroy()
    }
    await close.call(this, error)
  }
}

/** Splits `nats://user:password@a:4222,b:4222` into what the client understands. */
function natsOptions(url: string): ConnectionOptions {
  const rest = url.replace(/^(nats|tls):\/\//, '')
  const at = rest.lastIndexOf('@')
  const servers = rest
    .slice(at + 1)
    .split(',')
    .map((each) => each.trim().replace(/\/$/, ''))
    .filter((each) => each !== '')
  const [user, pass] = at < 0 ? [] : rest.slice(0, at).split(':').map(decodeURIComponent)
  return {
    servers,
    ...(user !== undefined && (pass === undefined ? { token: user } : { user, pass })),
    ...(url.startsWith('tls://') && { tls: {} }),
  }
}

/**
 * Connects, and stays connected: a server that is gone or silent costs a reconnect to another one.
 * @throws {ConcertinaError} BROKER_UNAVAILABLE, or INVALID_INPUT when the client package is missing.
 */
export async function connectNats(url: string, name: string): Promise<Nats> {
  const { connect, headers, createInbox } = await load()
  let connection: NatsConnection
  try {
    connection = await connect({
      ...natsOptions(url),
      name,
      timeout: 3000,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 100,
      reconnectJitter: 100,
      pingInterval: 1000,
      maxPingOut: 3,
    })
  } catch (error) {
    throw new ConcertinaError(
      'BROKER_UNAVAILABLE',
      `broker: ${withoutUser(url)}: ${(error as Error).message}`,
      {
        hint: 'the address of a NATS server that runs, like nats://127.0.0.1:4222',
        where: 'broker',
      },
    )
  }
  return {
    connection,
    headers,
    inbox: () => createInbox(),
    async api<T>(call: string, body: object = {}, timeout = API_TIMEOUT_MS): Promise<T> {
      const reply: Msg = await connection.request(`$JS.API.${call}`, JSON.stringify(body), { timeout })
      const answer = reply.json<ApiError & T>()
      if (answer.error) {
        throw new JetStreamError(answer.error.err_code ?? answer.error.code, answer.error.description)
      }
      return answer
    },
  }
}

/**
 * Attempts what a broker that starts cannot do yet until it can.
 * @param hintOf what is needed, by the last failure, where that is known
 * @throws {ConcertinaError} BROKER_UNAVAILABLE
 */
export async function onceReady<T>(
  attempt: () => Promise<T>,
  hintOf: (error: unknown) => string | undefined = () => undefined,
): Promise<T> {
  try {
    return await retrying(attempt, { seconds: STARTING_SECONDS })
  } catch (error) {
    throw new ConcertinaError('BROKER_UNAVAILABLE', `broker: ${(error as Error).message}`, {
      hint: hintOf(error) ?? 'NATS 2.12 or later with JetStream enabled',
      where: 'broker',
    })
  }
}
