import { setTimeout as sleep } from 'node:timers/promises'
import { ChatClient } from '../../src/client/node.ts'
import type { HistoryListener } from '../../src/verify/events.ts'

/** Sessions of these users, beside those of the others. */
const FIRST_SESSION = 3_000_000
const REPEAT_MS = 200
const SETTLE_MS = 30_000

export interface CrowdOptions {
  readonly users: number
  readonly rooms: number
  /** How many of the rooms each user talks in at once. */
  readonly roomsOfUser: number
}

interface Membership {
  readonly client: ChatClient
  readonly session: number
  readonly room: string
}

/**
 * Users who are in several rooms each and never wait: in each room the next message follows the acknowledgement of the last one. So
 * they offer as much as the system takes, whatever is done to it.
 */
export class Crowd {
  acked = 0
  readonly #clients: ChatClient[]
  readonly #members: Membership[] = []
  readonly #heads = new Map<string, number>()
  readonly #onEvent: HistoryListener
  readonly #running: Promise<unknown>
  #ending = false

  constructor(
    url: string,
    name: string,
    { users, rooms, roomsOfUser }: CrowdOptions,
    onEvent: HistoryListener,
  ) {
    this.#onEvent = onEvent
    this.#clients = Array.from({ length: users }, (_, i) => {
      const user = `${name}-crowd-${i}`
      const client = new ChatClient({ url, user })
      const sessions = new Map<string, number>()
      for (let k = 0; k < roomsOfUser; k++) {
        const room = `${name}-crowd-room-${(i * roomsOfUser + k) % rooms}`
        const session = FIRST_SESSION + i * roomsOfUser + k
        sessions.set(room, session)
        onEvent({ type: 'join', session, user, room })
        this.#members.push({ client, session, room })
      }
      client.on('resumed', ({ room, cursor }) =>
        onEvent({ type: 'resumed', session: sessions.get(room)!, ...cursor }),
      )
      client.on('message', ({ room, seq, prevSeq, user: from, id }) =>
        onEvent({ type: 'message', session: sessions.get(room)!, seq, prevSeq, user: from, id, at: 0 }),
      )
      client.on('gap', ({ room, from, to }) =>
        onEvent({ type: 'gap', session: sessions.get(room)!, from, to }),
      )
      return client
    })
    this.#running = Promise.all(this.#members.map((member) => this.#talk(member)))
  }

  async #talk({ client, session, room }: Membership): Promise<void> {
    await client.join(room, { timeoutMs: Infinity })
    for (let n = 1; !this.#ending; n++) {
      const id = `${session}-${n}`
      this.#onEvent({ type: 'send', session, id, at: 0 })
      const seq = await this.#send(client, room, id)
      if (seq === undefined) return
      this.#onEvent({ type: 'ack', session, id, seq, at: 0 })
      this.#heads.set(room, Math.max(seq, this.#heads.get(room) ?? 0))
      this.acked++
    }
  }

  /** The place of a message, once it is acknowledged; none when that is no longer waited for. */
  async #send(client: ChatClient, room: string, id: string): Promise<number | undefined> {
    for (;;) {
      try {
        return (await client.send(room, `message ${id}`, id)).seq
      } catch {
        if (client.state === 'closed') return undefined
        await sleep(REPEAT_MS)
      }
    }
  }

  /** Ends when everything that was sent has been acknowledged and has arrived everywhere, or half a minute later. */
  async settle(): Promise<void> {
    this.#ending = true
    const until = performance.now() + SETTLE_MS
    await Promise.race([this.#running, sleep(SETTLE_MS, undefined, { ref: false })])
    const isBehind = ({ client, room }: Membership) =>
      (client.cursor(room)?.seq ?? 0) < (this.#heads.get(room) ?? 0)
    while (this.#members.some(isBehind) && performance.now() < until) await sleep(20)
  }

  end(): void {
    this.#ending = true
    for (const client of this.#clients) client.close()
  }
}
