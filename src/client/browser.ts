/** The chat client for browsers. */
import { ChatClient as Client } from './chat-client.ts'
import type { ChatClientOptions } from './chat-client-options.ts'
import type { WebSocketClass } from './transport.ts'

export { privateRoom } from '../protocol/private-rooms.ts'
export type * from './node.ts'

/** A chat user in a browser. */
export class ChatClient extends Client {
  constructor(options: ChatClientOptions) {
    super((globalThis as unknown as { WebSocket: WebSocketClass }).WebSocket, options)
  }
}
