import type { Duplex } from 'node:stream'
import type { RateLimiter } from '../../base/rate-limit.ts'
import { SYSTEM_PREFIX } from '../access/moderation-log.ts'
import type { ChatDirectory } from '../api/directory.ts'
import { TalkerMeter } from '../api/talkers.ts'
import { type Append, type LogEntry, LogOverloaded, type RoomLog } from '../log/room-log.ts'
import { type PresenceChange, PresenceTracker } from '../rooms/presence.ts'
import { FrameStream } from './frame-stream.ts'
import {
  appendOf,
  controlOf,
  FRAME,
  type FromHub,
  requestOf,
  sendAppended,
  sendControl,
  sendEvent,
  sendMessage,
  sendPage,
  type ToHub,
} from './hub-protocol.ts'

/** Bytes that may wait for a server before it gets no more messages, and reads them from the log later. */
const LAG_BYTES = 4 * 2 ** 20

/** The number under which the server API takes part in a fleet: no chat server has it. */
export const API_SERVER = 0

interface HubRoom {
  readonly name: string
  readonly number: number
  readonly peers: Set<HubPeer>
}

interface HubPeer {
  readonly server: number
  readonly frames: FrameStream
  readonly rooms: Set<HubRoom>
  /** Of each room of which messages were left out, the last one's place; empty while the server keeps up. */
  readonly missed: Map<HubRoom, number>
}

/**
 * Where the chat servers of a fleet meet: it passes their appends to the room log, and what was appended to all of them. A
 * server that is slow, stopped or busy never makes it keep more than a bound: messages are left out, and the server is asked
 * to read them from the log when it has taken the rest.
 */
export class Hub {
  readonly #log: RoomLog
  readonly #rates: RateLimiter | undefined
  readonly #peers = new Set<HubPeer>()
  readonly #rooms = new Map<string, HubRoom>()
  readonly #presence = new PresenceTracker((room, json) => this.#sendEvent(room, json))
  readonly #talkers = new TalkerMeter()
  #roomNumber = 0

  /** @param rates bounds the messages of each user over all servers */
  constructor(log: RoomLog, rates?: RateLimiter) {
    this.#log = log
    this.#rates = rates
  }

  /** Who is in which room and who sends most, over all servers. */
  get directory(): ChatDirectory {
    const presence = this.#presence
    return {
      rooms: () => presence.rooms(),
      roster: (room) => presence.roster(room),
      users: () => presence.users(),
      roomsOf: (user) => presence.roomsOf(user),
      talkers: (limit) => this.#talkers.top(limit),
    }
  }

  /** Calls `listener` with all who came to a room and left it, over all servers. Returns the function that unsubscribes it. */
  onPresence(listener: (change: PresenceChange) => void): () => void {
    return this.#presence.changes.subscribe(listener)
  }

  /** Serves a chat server at the other end of `stream` until the stream closes. */
  attach(stream: Duplex, server: number): void {
    const peer: HubPeer = {
      server,
      rooms: new Set(),
      missed: new Map(),
      frames: new FrameStream(stream, {
        onFrame: (content) => {
          if (content[0] === FRAME.append) this.#append(peer, requestOf(content), appendOf(content))
          else this.#onRequest(peer, controlOf(content) as ToHub)
        },
        onDrain: () => this.#reportMissed(peer),
        onClose: () => this.#detach(peer),
      }),
    }
    this.#peers.add(peer)
    send(peer, ['hello', this.#log.epoch, this.#log.durability])
  }

  async close(): Promise<void> {
    this.#presence.close()
    for (const { frames } of this.#peers) frames.close()
    await this.#log.close()
  }

  /** Bytes that wait for servers. */
  get waiting(): number {
    let sum = 0
    for (const { frames } of this.#peers) sum += frames.waiting
    return sum
  }

  #onRequest(peer: HubPeer, request: ToHub): void {
    switch (request[0]) {
      case 'append':
        this.#append(peer, request[1], request[2])
        return
      case 'read':
      case 'readBefore': {
        const [kind, id, room, place, limit] = request
        this.#log[kind](room, place, limit).then(
          (page) => sendPage(peer.frames, id, page),
          (error: Error) => reject(peer.frames, id, error),
        )
        return
      }
      case 'subscribe':
        void this.#subscribe(peer, request[1], request[2])
        return
      case 'unsubscribe': {
        const room = this.#rooms.get(request[1])
        if (room) this.#unsubscribe(peer, room)
        return
      }
      case 'here':
        this.#presence.here(peer.server, request[1], request[2])
        return
      case 'gone':
        this.#presence.gone(peer.server, request[1], request[2])
        return
      case 'place': {
        const [, id, room, user, maxMembers] = request
        send(peer, ['placed', id, this.#presence.claimPlace(peer.server, room, user, maxMembers)])
        return
      }
      case 'typing':
        this.#sendEvent(request[1], JSON.stringify({ type: 'typing', room: request[1], user: request[2] }))
    }
  }

  #append({ frames, server }: HubPeer, request: number, message: Append): void {
    const { user, room, extras } = message
    // Of users; what the server API sends, and what the chat keeps in rooms of its own, has no rate.
    const counts = server !== API_SERVER && !room.startsWith(SYSTEM_PREFIX)
    const rates = counts ? this.#rates : undefined
    if (rates) {
      // A deletion takes effect before members receive it here, so it counts but is not rejected.
      const isDeletion = extras?.deletes !== undefined
      const wait = rates.take(user, isDeletion)
      if (wait > 0 && !isDeletion) {
        sendControl(frames, ['limited', request, Math.ceil(wait * 1000)])
        return
      }
    }
    this.#log.append(message).then(
      ({ seq, duplicate }) => {
        if (duplicate) rates?.giveBack(user)
        else if (counts) this.#talkers.count(user, room)
        sendAppended(frames, request, seq, duplicate)
      },
      (error: Error) => {
        rates?.giveBack(user)
        reject(frames, request, error)
      },
    )
  }

  /** The server receives the room's messages before the range is read, so nothing falls between the two. */
  async #subscribe(peer: HubPeer, request: number, name: string): Promise<void> {
    let room = this.#rooms.get(name)
    const isNew = !room
    if (!room) {
      room = { name, number: ++this.#roomNumber, peers: new Set() }
      this.#rooms.set(name, room)
    }
    send(peer, ['room', room.number, name])
    room.peers.add(peer)
    peer.rooms.add(room)
    try {
      if (isNew) await this.#log.subscribe(name, this.#onAppended)
      const { first, head } = await this.#log.read(name, Number.MAX_SAFE_INTEGER, 0)
      send(peer, ['subscribed', request, first, head, this.#presence.snapshot(name)])
    } catch (error) {
      reject(peer.frames, request, error as Error)
    }
  }

  readonly #onAppended = (name: string, entry: LogEntry): void => {
    const room = this.#rooms.get(name)
    if (!room || room.peers.size === 0) return
    for (const peer of room.peers) {
      if (isLagging(peer)) peer.missed.set(room, entry.seq)
      else sendMessage(peer.frames, room.number, entry)
    }
  }

  /** Presence and typing may be lost; who is there is sent again with what else was missed. */
  #sendEvent(name: string, json: string): void {
    const room = this.#rooms.get(name)
    if (!room) return
    for (const peer of room.peers) {
      if (!isLagging(peer)) sendEvent(peer.frames, json)
      else if (!peer.missed.has(room)) peer.missed.set(room, 0)
    }
  }

  #reportMissed(peer: HubPeer): void {
    if (peer.missed.size === 0) return
    const missed = [...peer.missed]
    peer.missed.clear()
    for (const [room, head] of missed) {
      send(peer, ['missed', room.number, head])
      const { members, users } = this.#presence.snapshot(room.name)
      sendEvent(peer.frames, JSON.stringify({ type: 'presence', room: room.name, members, users }))
    }
  }

  #unsubscribe(peer: HubPeer, room: HubRoom): void {
    peer.rooms.delete(room)
    peer.missed.delete(room)
    if (!room.peers.delete(peer) || room.peers.size > 0) return
    this.#rooms.delete(room.name)
    this.#log.unsubscribe(room.name)
  }

  #detach(peer: HubPeer): void {
    this.#peers.delete(peer)
    for (const room of peer.rooms) this.#unsubscribe(peer, room)
    this.#presence.serverGone(peer.server)
  }
}

/** Once a message was left out, those after it are, too, until the server has been notified. */
const isLagging = ({ missed, frames }: HubPeer) => missed.size > 0 || frames.waiting > LAG_BYTES

function send({ frames }: HubPeer, content: FromHub): void {
  sendControl(frames, content)
}

function reject(frames: FrameStream, request: number, error: Error): void {
  const retryMs = error instanceof LogOverloaded ? error.retryMs : undefined
  sendControl(frames, ['rejected', request, error.message, retryMs])
}
