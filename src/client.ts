/** The chat client for Node; browsers get `client-browser.ts` by the same name, `concertina/client`. */
import { WebSocket } from 'ws'
import { type ChatClientOptions, ChatClient as Client } from './chat/client/chat-client.ts'
import type { WebSocketClass } from './chat/client/link.ts'

export type { ChatClientEvents, ChatClientOptions } from './chat/client/chat-client.ts'
export type { JoinedRoom, JoinOptions } from './chat/client/client-room.ts'
export type { OlderMessages } from './chat/client/older.ts'
export type { Ack } from './chat/client/outgoing.ts'
export type { Cursor, Durability, RoomMessage } from './chat/protocol.ts'

/** A chat user in Node. */
export class ChatClient extends Client {
  constructor(options: ChatClientOptions) {
    super(WebSocket as unknown as WebSocketClass, options)
  }
}
