/** How a connection is made: a WebSocket, or server-sent events with requests beside them. */
export type Transport = 'websocket' | 'sse'

/** The part of a browser's `WebSocket` that is used; `ws` has it, too. */
export interface WebSocketLike {
  onopen: ((event: never) => void) | null
  onmessage: ((event: { data: unknown } & never) => void) | null
  onclose: ((event: { code: number; reason: string } & never) => void) | null
  onerror: ((event: { message?: string } & never) => void) | null
  send(data: string): void
  close(code?: number, reason?: string): void
}

export type WebSocketClass = new (url: string) => WebSocketLike
