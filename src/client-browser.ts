/** The chat client for browsers. */
import { type ChatClientOptions, ChatClient as Client } from './chat/client/chat-client.ts'
import type { WebSocketClass } from './chat/client/link.ts'

export type {
  ChatClientEvents,
  ChatClientOptions,
  JoinedRoom,
  JoinOptions,
} from './chat/client/chat-client.ts'
export type { Ack } from './chat/client/outgoing.ts'
export type { Cursor, Durability, RoomMessage } from './chat/protocol.ts'

/** A chat user in a browser. */
export class ChatClient extends Client {
  constructor(options: ChatClientOptions) {
    super((globalThis as unknown as { WebSocket: WebSocketClass }).WebSocket, options)
  }
}
