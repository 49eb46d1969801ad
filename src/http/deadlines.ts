import { Socket } from 'node:net'

/** What has a deadline: a socket, or a connection that has no stream yet. */
interface Connection {
  destroy(): void
}

const CHECK_MS = 1000

/**
 * Connections that must do something within a time, or are destroyed. Time is counted in checks made here, about one a second:
 * while the machine is paused, no deadline passes.
 */
export class Deadlines {
  /** Checks that are left; those whose deadline was set longest ago come first. */
  readonly #left = new Map<Connection, number>()
  #timer: NodeJS.Timeout | undefined

  /** Sets the deadline of a connection, instead of one that it has. A socket that closes has none. */
  set(connection: Connection, seconds: number): void {
    if (!this.#left.delete(connection) && connection instanceof Socket)
      connection.once('close', () => this.clear(connection))
    this.#left.set(connection, seconds)
    this.#timer ??= setInterval(() => this.#check(), CHECK_MS).unref()
  }

  clear(connection: Connection): void {
    this.#left.delete(connection)
  }

  /** Destroys the connection whose deadline was set longest ago. @returns whether there was one */
  destroyOldest(): boolean {
    const [oldest] = this.#left.keys()
    if (!oldest) return false
    this.#left.delete(oldest)
    oldest.destroy()
    return true
  }

  close(): void {
    clearInterval(this.#timer)
    for (const connection of this.#left.keys()) connection.destroy()
    this.#left.clear()
  }

  #check(): void {
    for (const [connection, left] of this.#left) {
      if (left > 0) {
        this.#left.set(connection, left - 1) // keeps its place
        continue
      }
      this.#left.delete(connection)
      connection.destroy()
    }
  }
}

/** What an HTTP server grants: milliseconds for a head, a whole request, the next one, and between two checks. */
export const HTTP_DEADLINES = {
  headersTimeout: 5000,
  requestTimeout: 10_000,
  keepAliveTimeout: 5000,
  connectionsCheckingInterval: 1000,
}
