import type { IncomingMessage } from 'node:http'
import { Agent, request as httpsRequest } from 'node:https'
import { createInterface } from 'node:readline'
import { timeoutSignal } from '../../../base/timeout-signal.ts'
import type { Credentials } from './credentials.ts'
import type { KubeObject } from './objects.ts'

/** The API server rejected a call, or could not be reached (status 0). */
export class KubeError extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.name = 'KubeError'
    this.status = status
  }
}

export interface WatchEvent<T> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR'
  readonly object: T
}

type Query = Readonly<Record<string, string | number | boolean | undefined>>

interface CallOptions {
  query?: Query
  body?: unknown
  contentType?: string
  signal?: AbortSignal | undefined
  timeoutMs?: number
}

const CALL_TIMEOUT_MS = 10_000
/** A watch is ended by the server after this long, and by us when it was silent for longer: bookmarks come every minute. */
const WATCH_SECONDS = 240
const WATCH_SILENCE_MS = 100_000

/** The few calls of the Kubernetes API that a controller needs; every one of them ends. */
export class KubeApi {
  readonly credentials: Credentials
  readonly #agent: Agent

  constructor(credentials: Credentials) {
    this.credentials = credentials
    const { ca, cert, key, skipTlsVerify } = credentials
    this.#agent = new Agent({
      keepAlive: true,
      ...(ca && { ca }),
      ...(cert && key && { cert, key }),
      rejectUnauthorized: !skipTlsVerify,
    })
  }

  get<T>(path: string, options: CallOptions = {}): Promise<T> {
    return this.#json('GET', path, options)
  }

  create<T>(path: string, body: unknown): Promise<T> {
    return this.#json('POST', path, { body })
  }

  replace<T>(path: string, body: unknown, options: CallOptions = {}): Promise<T> {
    return this.#json('PUT', path, { ...options, body })
  }

  /** Changes the fields given; with `strategic` lists are merged by their keys. */
  patch<T>(path: string, body: unknown, { strategic = false } = {}): Promise<T> {
    const kind = strategic ? 'strategic-merge-patch' : 'merge-patch'
    return this.#json('PATCH', path, { body, contentType: `application/${kind}+json` })
  }

  delete<T>(path: string, body?: unknown): Promise<T> {
    return this.#json('DELETE', path, { body })
  }

  /** What changes from `resourceVersion` on; ends when the server ends it, and rejects when the connection fails. */
  async *watch<T extends KubeObject>(
    path: string,
    query: Query,
    signal: AbortSignal,
  ): AsyncGenerator<WatchEvent<T>> {
    const response = await this.#send('GET', path, {
      query: { ...query, watch: true, allowWatchBookmarks: true, timeoutSeconds: WATCH_SECONDS },
      signal,
    })
    response.setTimeout(WATCH_SILENCE_MS, () => response.destroy(new KubeError(0, 'the watch was silent')))
    try {
      // A line reader does not report the errors of its stream.
      let failure: Error | undefined
      const lines = createInterface({ input: response })
      response.once('error', (error) => {
        failure = error
        lines.close()
      })
      for await (const line of lines) {
        if (line !== '') yield JSON.parse(line) as WatchEvent<T>
      }
      if (failure) throw failure
    } finally {
      response.destroy()
    }
  }

  close(): void {
    this.#agent.destroy()
  }

  async #json<T>(method: string, path: string, options: CallOptions): Promise<T> {
    const { timeoutMs = CALL_TIMEOUT_MS } = options
    const timeout = timeoutSignal(timeoutMs)
    const signal = options.signal ? AbortSignal.any([options.signal, timeout]) : timeout
    try {
      const response = await this.#send(method, path, { ...options, signal })
      return JSON.parse(await textOf(response)) as T
    } catch (error) {
      if (timeout.aborted) throw new KubeError(0, `${method} ${path}: no answer within ${timeoutMs} ms`)
      throw error
    }
  }

  async #send(method: string, path: string, options: CallOptions): Promise<IncomingMessage> {
    const url = new URL(path, this.credentials.server)
    for (const [name, value] of Object.entries(options.query ?? {})) {
      if (value !== undefined) url.searchParams.set(name, String(value))
    }
    const token = await this.credentials.token?.()
    const { signal } = options
    const body = options.body === undefined ? undefined : JSON.stringify(options.body)
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const request = httpsRequest(
        url,
        {
          method,
          agent: this.#agent,
          ...(signal && { signal }),
          headers: {
            accept: 'application/json',
            ...(token && { authorization: `Bearer ${token}` }),
            ...(body && {
              'content-type': options.contentType ?? 'application/json',
              'content-length': Buffer.byteLength(body),
            }),
          },
        },
        resolve,
      )
      request.once('error', (error) =>
        reject(new KubeError(0, `${method} ${url.pathname}: ${error.message}`)),
      )
      request.end(body)
    })
    const status = response.statusCode ?? 0
    if (status >= 200 && status < 300) return response
    throw new KubeError(status, messageOf(await textOf(response), status))
  }
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

/** The message of a Status object, or the status alone. */
function messageOf(text: string, status: number): string {
  try {
    const { message } = JSON.parse(text) as { message?: string }
    if (message) return message
  } catch {
    // not JSON: a proxy's page
  }
  return `HTTP status ${status}`
}
