import type { ChildProcess } from 'node:child_process'
import type { ServerId } from '../fleet/provider.ts'
import type { RequestHead } from '../http/http-head.ts'
import type { RawSocket } from '../http/raw-socket.ts'
import { sendHandle } from './handle-channel.ts'
import type { FromServer, ToServer } from './messages.ts'
import { onMessages } from './on-messages.ts'

/** Who asks, and for what, once that is known. */
export interface Visit {
  readonly ip: string
  readonly head?: RequestHead
}

/** A connection on its way to a server. */
export interface Arrival {
  readonly ticket: number
  readonly raw: RawSocket
  readonly visit: Visit
  readonly message: ToServer
  readonly room: string | undefined
  /** The server that the client was asked to go to. */
  to: number | undefined
  attempts: number
  /** Checks of the gateway that it has waited for a server to be ready. */
  waited: number
  /** To be called when its descriptor is free. */
  readonly released: () => void
}

interface Receiver {
  readonly child: ChildProcess
  /** Handed over and not confirmed yet, by ticket. */
  readonly pending: Map<number, Arrival>
  /** Confirmed so far. */
  accepted: number
}

/**
 * Hands sockets to server processes. This process keeps its own end until the server has confirmed; a server that dies or rejects it
 * before that gives the connection back.
 */
export class Handoffs {
  readonly #receivers = new Map<ServerId, Receiver>()
  readonly #onReturned: (arrival: Arrival) => void
  /** Handed over and confirmed. */
  confirmed = 0

  /** @param onReturned takes a connection whose server could not take it */
  constructor(onReturned: (arrival: Arrival) => void) {
    this.#onReturned = onReturned
  }

  attach(id: ServerId, child: ChildProcess): void {
    const pending = new Map<number, Arrival>()
    const receiver: Receiver = { child, pending, accepted: 0 }
    this.#receivers.set(id, receiver)
    const forEachTicket = (tickets: readonly number[], each: (arrival: Arrival) => void) => {
      for (const ticket of tickets) {
        const arrival = pending.get(ticket)
        if (!arrival) continue
        pending.delete(ticket)
        each(arrival)
      }
    }
    const confirm = (arrival: Arrival) => {
      this.confirmed++
      receiver.accepted++
      arrival.raw.close(arrival.released)
    }
    onMessages<FromServer>(child, {
      accepted: ({ tickets }) => forEachTicket(tickets, confirm),
      rejected: ({ tickets }) => forEachTicket(tickets, this.#onReturned),
    })
    child.once('exit', () => {
      this.#receivers.delete(id)
      for (const arrival of pending.values()) this.#onReturned(arrival)
      pending.clear()
    })
  }

  /** Whether that server's process is there. */
  has(id: ServerId): boolean {
    return this.#receivers.has(id)
  }

  send(id: ServerId, arrival: Arrival): void {
    const { child, pending } = this.#receivers.get(id)!
    pending.set(arrival.ticket, arrival)
    sendHandle(child, arrival.message, arrival.raw, () => {
      if (pending.delete(arrival.ticket)) this.#onReturned(arrival)
    })
  }

  /** Sockets handed to a server that it had not counted yet when it reported to have accepted `reported`. */
  inFlight(id: ServerId, reported: number): number {
    const receiver = this.#receivers.get(id)
    return receiver ? receiver.pending.size + receiver.accepted - reported : 0
  }
}
