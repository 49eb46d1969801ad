import type { ChildProcess } from 'node:child_process'
import type { ServerId } from '../fleet/provider.ts'
import { type Arrival, Handoffs } from './handoffs.ts'

/** The server chosen for a connection, or why there is none now: no server is ready, or every one is full. */
export type Choice = ServerId | 'not-ready' | 'full'
/** Chooses a server; `to` is the one that the client was asked to go to. */
export type ChooseServer = (room: string | undefined, to: number | undefined) => Choice

/** Checks, half a second each, that a connection waits for a server to be ready. */
const PATIENCE_CHECKS = 10
const CHECK_MS = 500
const MAX_ATTEMPTS = 5

/**
 * Connections on their way to a server: each is handed to the one that is chosen for it, waits while no server is ready, and gets
 * another choice when its server could not take it.
 */
export class Arrivals {
  readonly #place: ChooseServer
  readonly #onRejected: (arrival: Arrival, why: 'full' | 'no-server') => void
  readonly #handoffs: Handoffs
  #waiting: Arrival[] = []
  #timer: NodeJS.Timeout | undefined
  /** Choices made again. */
  retried = 0

  constructor(place: ChooseServer, onRejected: (arrival: Arrival, why: 'full' | 'no-server') => void) {
    this.#place = place
    this.#onRejected = onRejected
    this.#handoffs = new Handoffs((arrival) => this.#again(arrival))
  }

  start(): void {
    this.#timer = setInterval(() => this.#checkWaiting(), CHECK_MS)
  }

  /** A server process that may be given sockets once it is chosen. */
  attach(id: ServerId, child: ChildProcess): void {
    this.#handoffs.attach(id, child)
  }

  /** Sockets handed over and confirmed. */
  get handedOver(): number {
    return this.#handoffs.confirmed
  }

  /** Sockets handed to a server that it had not counted yet when it reported to have accepted `reported`. */
  inFlight(id: ServerId, reported: number): number {
    return this.#handoffs.inFlight(id, reported)
  }

  add(arrival: Arrival): void {
    const placed = this.#place(arrival.room, arrival.to)
    if (placed === 'full') this.#onRejected(arrival, 'full')
    else if (placed !== 'not-ready' && this.#handoffs.has(placed)) this.#handoffs.send(placed, arrival)
    else this.#waiting.push(arrival)
  }

  /** To be called when servers became ready: connections that wait are placed. */
  retry(): void {
    for (const arrival of this.#takeWaiting()) this.add(arrival)
  }

  /** Returns the connections that wait still. */
  close(): readonly Arrival[] {
    clearInterval(this.#timer)
    return this.#takeWaiting()
  }

  #takeWaiting(): readonly Arrival[] {
    const waiting = this.#waiting
    this.#waiting = []
    return waiting
  }

  #again(arrival: Arrival): void {
    this.retried++
    arrival.to = undefined
    if (++arrival.attempts < MAX_ATTEMPTS) this.add(arrival)
    else this.#onRejected(arrival, 'no-server')
  }

  #checkWaiting(): void {
    if (this.#waiting.length === 0) return
    for (const arrival of this.#takeWaiting()) {
      if (++arrival.waited > PATIENCE_CHECKS) this.#onRejected(arrival, 'no-server')
      else this.#waiting.push(arrival)
    }
  }
}
