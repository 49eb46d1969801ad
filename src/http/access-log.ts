import { write as writeTo } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { ConcertinaError } from '../base/errors.ts'
import { type Logger, silentLogger } from '../base/logger.ts'
import { splitTarget } from './request-target.ts'

/** What an access log has of a connection that ended, of a request that was answered, and of what was rejected. */
export interface AccessEntry {
  /** When it ended, ISO 8601. */
  readonly time: string
  /** Of the client, where trusted proxies name it; empty when it was gone already. */
  readonly ip: string
  readonly method?: string | undefined
  /** Without the query, and without the secrets of event streams. */
  readonly path?: string | undefined
  readonly status: number
  /** Why it was rejected. */
  readonly reason?: string | undefined
  /** Of a connection of the chat, whose server and user follow. */
  readonly transport?: 'websocket' | 'sse' | undefined
  readonly server?: number | undefined
  readonly user?: string | undefined
  /** The code of its close. */
  readonly code?: number | undefined
  readonly durationMs?: number | undefined
  readonly bytesIn?: number | undefined
  readonly bytesOut?: number | undefined
}

const MAX_PATH = 500

/** An entry, at this moment. */
export function accessEntry(
  ip: string,
  request: { readonly method?: string | undefined; readonly url?: string | undefined } | undefined,
  rest: Omit<AccessEntry, 'time' | 'ip' | 'method' | 'path'>,
): AccessEntry {
  const head = request && {
    method: request.method,
    path: splitTarget(request.url)
      .path.slice(0, MAX_PATH)
      .replace(/(\/sse\/).+$/, '$1:id'),
  }
  return { time: new Date().toISOString(), ip, ...head, ...rest }
}

/** Logs a request once it is answered; but not those beside an event stream, which are a part of it. */
export function logAnswer(
  ip: string,
  request: IncomingMessage,
  response: ServerResponse,
  onAccess: (entry: AccessEntry) => void,
): void {
  const { socket, method } = request
  const began = performance.now()
  const { bytesWritten } = socket
  response.once('close', () => {
    if (!response.headersSent || (method === 'POST' && response.statusCode === 204)) return
    const durationMs = Math.round(performance.now() - began)
    const bytesOut = socket.bytesWritten - bytesWritten
    onAccess(accessEntry(ip, request, { status: response.statusCode, durationMs, bytesOut }))
  })
}

/** Bytes that may wait for the disk, or for the reader of the output. */
const MAX_WAITING = 4 * 2 ** 20
/** Milliseconds until a file that cannot be written is tried again. */
const AGAIN_MS = 1000

/**
 * One JSON object a line, into a file or (`-`) the standard output. It never makes the chat wait: what cannot be written in
 * time is dropped, and a line says how much.
 */
export class AccessLog {
  readonly #file: string
  readonly #logger: Logger
  #handle: FileHandle | undefined
  #waiting: string[] = []
  #bytes = 0
  /** Entries dropped since the last line about it. */
  #dropped = 0
  #writing: Promise<void> | undefined
  #closed = false
  #warned = false

  private constructor(file: string, logger: Logger) {
    this.#file = file
    this.#logger = logger
  }

  /** @throws {ConcertinaError} FILE_ACCESS when the file cannot be written. */
  static async open(file: string, logger: Logger = silentLogger): Promise<AccessLog> {
    const log = new AccessLog(file, logger)
    await log.reopen()
    return log
  }

  /**
   * Continues in the file of that name, which is another when the old one was put aside.
   * @throws {ConcertinaError} FILE_ACCESS; it continues with the old one then
   */
  async reopen(): Promise<void> {
    if (this.#file === '-') return
    const before = this.#handle
    try {
      this.#handle = await open(this.#file, 'a')
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      throw new ConcertinaError('FILE_ACCESS', `${this.#file}: the access log cannot be written (${code})`, {
        hint: 'a file in a folder that exists and may be written to, or - for the standard output',
      })
    }
    await this.#writing
    await before?.close()
  }

  readonly write = (entry: AccessEntry): void => {
    const line = `${JSON.stringify(entry)}\n`
    if (this.#closed) return
    if (this.#bytes + line.length > MAX_WAITING) {
      this.#dropped++
      return
    }
    this.#waiting.push(line)
    this.#bytes += line.length
    this.#writing ??= this.#run()
  }

  /** Resolves when what waits is written, or cannot be. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#writing
    await this.#handle?.close()
  }

  async #run(): Promise<void> {
    await sleep(0) // gathers what comes in this turn
    while (this.#waiting.length > 0 || this.#dropped > 0) {
      const lines = this.#waiting
      const dropped = this.#dropped
      this.#waiting = []
      this.#bytes = 0
      this.#dropped = 0
      const note = dropped > 0 ? `${JSON.stringify({ time: new Date().toISOString(), dropped })}\n` : ''
      // After a failure the file may end within a line.
      if (await this.#append((this.#warned ? '\n' : '') + lines.join('') + note)) continue
      this.#dropped += lines.length + dropped
      if (this.#closed) break
      await sleep(AGAIN_MS)
    }
    this.#writing = undefined
  }

  /** Returns whether it was written. */
  async #append(text: string): Promise<boolean> {
    try {
      await appendTo(this.#handle?.fd ?? 1, Buffer.from(text))
      this.#warned = false
      return true
    } catch (error) {
      if (!this.#warned) this.#logger.warn(`The access log cannot be written: ${(error as Error).message}`)
      this.#warned = true
      return false
    }
  }
}

const writeSome = promisify(writeTo)

/** Not by `process.stdout`, which waits for the reader of a pipe, and blocks everything else. */
async function appendTo(descriptor: number, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    try {
      at += (await writeSome(descriptor, bytes, at, bytes.length - at, null)).bytesWritten
    } catch (error) {
      // A pipe that does not block, and is full.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
      await sleep(20)
    }
  }
}
