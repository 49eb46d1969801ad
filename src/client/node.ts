/** The chat client for Node; browsers get `browser.ts` by the same name, `concertina/client`. */
import { WebSocket } from 'ws'
import { ChatClient as Client } from './chat-client.ts'
import type { ChatClientOptions } from './chat-client-options.ts'
import type { WebSocketClass } from './transport.ts'

export type { RequestOptions } from '../base/requests.ts'
export type {
  Cursor,
  Durability,
  MessageData,
  PresenceEvent,
  RejectionCode,
  RoomMessage,
  UnreadRoom,
} from '../protocol/messages.ts'
export { privateRoom } from '../protocol/private-rooms.ts'
export type {
  ChatClientEvents,
  ChatClientOptions,
  OlderMessages,
  SendOptions,
} from './chat-client-options.ts'
export type { ChatErrorCode } from './chat-error.ts'
export type { JoinedRoom, JoinOptions } from './client-room.ts'
export type { CloseCause, ConnectionStatus } from './close-cause.ts'
export type { Ack } from './send-queue.ts'
export type { Token } from './token-source.ts'

/** A chat user in Node. */
export class ChatClient extends Client {
  constructor(options: ChatClientOptions) {
    super(WebSocket as unknown as WebSocketClass, options)
  }
}
