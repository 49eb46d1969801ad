import type { Signal } from '../base/signal.ts'
import type { ServerMessage } from '../protocol/messages.ts'
import type { ChatClientEvents, ChatClientOptions } from './chat-client-options.ts'
import { ChatError, type ChatErrorCode } from './chat-error.ts'
import { ClientRoom, type JoinOptions, type RoomEvents } from './client-room.ts'
import type { ConnectionStatus } from './close-cause.ts'
import { Connections } from './connections.ts'
import type { ServerConnection } from './server-connection.ts'
import type { WebSocketClass } from './transport.ts'

export type ChatClientSignals = { readonly [Name in keyof ChatClientEvents]: Signal<ChatClientEvents[Name]> }

/** The rooms of a client: joined on each of its connections, and fed with what comes there. */
export class ClientRooms {
  readonly connections: Connections
  readonly #options: ChatClientOptions
  readonly #signals: ChatClientSignals
  readonly #rooms = new Map<string, ClientRoom>()

  constructor(make: WebSocketClass, options: ChatClientOptions, signals: ChatClientSignals) {
    this.#options = options
    this.#signals = signals
    this.connections = new Connections(make, options, {
      aRoom: () => this.#rooms.keys().next().value,
      onOpen: (connection) => {
        for (const room of this.#rooms.values()) room.joinOn(connection)
      },
      onMessage: (connection, message) => this.#receive(connection, message),
      onLost: (connection) => {
        for (const room of this.#rooms.values()) room.lost(connection)
        if (connection === this.connections.serving)
          for (const room of this.#rooms.values()) room.outgoing.pause()
      },
      isReady: (connection) => [...this.#rooms.values()].every((room) => room.isJoinedOn(connection)),
      onServing: (connection) => {
        for (const room of this.#rooms.values()) if (room.isJoinedOn(connection)) room.serve(connection)
      },
      onStatus: (status) => this.#onStatus(status),
    })
  }

  get(name: string): ClientRoom | undefined {
    return this.#rooms.get(name)
  }

  /** The room of that name, from now on with the token of `options`. */
  add(name: string, options: JoinOptions): ClientRoom {
    const known = this.#rooms.get(name)
    if (known) {
      if (options.token !== undefined) known.token = options.token
      return known
    }
    const { ackMs = 10_000, maxQueued = 1000 } = this.#options
    const room = new ClientRoom(name, options, { ackMs, maxQueued }, this.#roomEvents)
    this.#rooms.set(name, room)
    return room
  }

  /** What waits in the room rejects with `error`. Returns whether there was such a room. */
  remove(name: string, error: Error): boolean {
    const room = this.#rooms.get(name)
    if (!room) return false
    this.#rooms.delete(name)
    room.end(error)
    this.connections.takeOverWhenReady()
    return true
  }

  /** The connection that serves, when the room is joined there. */
  servingIn(name: string): ServerConnection | undefined {
    const { serving } = this.connections
    return serving && this.#rooms.get(name)?.isJoinedOn(serving) ? serving : undefined
  }

  #onStatus(status: ConnectionStatus): void {
    if (status.state === 'closed') {
      const closed = new ChatError('closed', status.reason ?? 'closed')
      for (const name of [...this.#rooms.keys()]) this.remove(name, closed)
    }
    this.#signals.status.emit(status)
  }

  readonly #roomEvents: RoomEvents = {
    onJoined: (room, connection, { cursor: _, members, users }, reset) => {
      const { name, cursor } = room
      this.#signals.resumed.emit({ room: name, members, ...(users && { users }), cursor: cursor!, reset })
      if (connection === this.connections.serving) room.serve(connection)
      else this.connections.takeOverWhenReady()
    },
    onRejected: (room, { code, message }) => this.#removed(room, code, message),
    onNoToken: ({ name: room }, why) =>
      this.#signals.error.emit({ code: 'unauthorized', message: `no token for ${room}: ${why}`, room }),
  }

  /** The server does not have this user in the room (any more). */
  #removed(room: ClientRoom, code: ChatErrorCode, message: string): void {
    if (this.#rooms.get(room.name) !== room) return
    this.remove(room.name, new ChatError(code, message))
    this.#signals.error.emit({ code, message, room: room.name })
  }

  #receive(connection: ServerConnection, message: ServerMessage): void {
    if (message.type === 'error') {
      this.#signals.error.emit({ code: message.code, message: message.message })
      return
    }
    const room = 'room' in message && message.room !== undefined ? this.#rooms.get(message.room) : undefined
    if (!room) return
    switch (message.type) {
      case 'message':
        if (room.receive(connection, message)) this.#signals.message.emit(message)
        return
      case 'joined':
        room.joined(connection, message)
        return
      case 'gap': {
        const from = room.skip(connection, message.from, message.to)
        if (from !== undefined) this.#signals.gap.emit({ room: room.name, from, to: message.to })
        return
      }
      case 'left':
        // Without a code it answers a request.
        if (message.code === 'unauthorized' && room.renewable) room.joinOn(connection)
        else if (message.code) this.#removed(room, message.code, message.message ?? 'removed from the room')
        return
      case 'presence':
        if (connection === this.connections.serving) this.#signals.presence.emit(message)
        return
      case 'typing':
        if (connection === this.connections.serving) this.#signals.typing.emit(message)
    }
  }
}
