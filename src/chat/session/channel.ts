/** Where a session writes: whole text frames of a WebSocket server, as `textFrame` makes them, one or several at once. */
export interface FrameSink {
  write(frames: Buffer): void
  /** Bytes that were written and have not left. */
  readonly writableLength: number
  readonly destroyed: boolean
  on(event: 'drain' | 'close', listener: () => void): unknown
  off(event: 'drain' | 'close', listener: () => void): unknown
}

/** What a channel reports to its session. */
export interface ChannelEvents {
  /** A message of the client; the bytes are valid only during the call. */
  onMessage(data: Buffer, isBinary: boolean): void
  /** Whether the message in a part of `data` is dealt with already; asked first where reading it is avoided by that. */
  sheds(data: Buffer, from: number, end: number): boolean
  onPing(data: Buffer): void
  /** A sign of life. */
  onPong(): void
  /** Once, when the connection is gone: the code of its close, 1006 when it broke. */
  onClose(code: number): void
}

/** The two ways between one client and its session: a WebSocket, or an event stream with requests beside it. */
export interface Channel {
  readonly sink: FrameSink
  /** Whether neither side has closed it. */
  readonly isOpen: boolean
  readonly isPaused: boolean
  /** To be called once, at the beginning. */
  listen(events: ChannelEvents): void
  /** Receives nothing more, so that the client has to wait. */
  pause(): void
  resume(): void
  /**
   * Receives nothing until the returned function is called, beside `pause` and `resume`; what has been received by then comes
   * at once. `undefined`, or no such method, where that cannot be had.
   */
  hold?(): (() => void) | undefined
  /** Asks for a sign of life. */
  ping(): void
  pong(data: Buffer): void
  /** Closes with a code and its reason, after what was written. */
  close(code: number, reason: string): void
  /** Ends it without waiting for the client. */
  terminate(): void
}
