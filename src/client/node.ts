/** The chat client for Node; browsers get `client-browser.ts` by the same name, `concertina/client`. */
import { WebSocket } from 'ws'
import { type ChatClientOptions, ChatClient as Client } from './chat-client.ts'
import type { WebSocketClass } from './server-connection.ts'

export type { Cursor, Durability, RoomMessage } from '../protocol/messages.ts'
export type { ChatClientEvents, ChatClientOptions } from './chat-client.ts'
export type { JoinedRoom, JoinOptions } from './client-room.ts'
export type { OlderMessages } from './history-requests.ts'
export type { Ack } from './send-queue.ts'

/** A chat user in Node. */
export class ChatClient extends Client {
  constructor(options: ChatClientOptions) {
    super(WebSocket as unknown as WebSocketClass, options)
  }
}
