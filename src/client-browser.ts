/** The chat client for browsers. */
import { type ChatClientOptions, ChatClient as Client } from './chat/client/chat-client.ts'
import type { WebSocketClass } from './chat/client/link.ts'

export type * from './client.ts'

/** A chat user in a browser. */
export class ChatClient extends Client {
  constructor(options: ChatClientOptions) {
    super((globalThis as unknown as { WebSocket: WebSocketClass }).WebSocket, options)
  }
}
