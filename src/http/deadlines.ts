import type { Socket } from 'node:net'

const CHECK_MS = 1000

/**
 * Connections that must do something within a time, or are destroyed. Time is counted in checks made here, about one a second:
 * while the machine is paused, no deadline passes.
 */
export class Deadlines {
  /** Checks that are left; those whose deadline was set longest ago come first. */
  readonly #left = new Map<Socket, number>()
  #timer: NodeJS.Timeout | undefined

  /** Sets the deadline of a connection, instead of one that it has. */
  set(socket: Socket, seconds: number): void {
    if (!this.#left.delete(socket)) socket.once('close', () => this.clear(socket))
    this.#left.set(socket, seconds)
    this.#timer ??= setInterval(() => this.#check(), CHECK_MS).unref()
  }

  clear(socket: Socket): void {
    this.#left.delete(socket)
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
    for (const socket of this.#left.keys()) socket.destroy()
    this.#left.clear()
  }

  #check(): void {
    for (const [socket, left] of this.#left) {
      if (left <= 0) socket.destroy()
      else this.#left.set(socket, left - 1) // keeps its place
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
