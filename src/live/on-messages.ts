import type { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'

/** What to do with each type of message; `socket` came with it where that could be. */
export type Handlers<Message extends { readonly type: string }> = {
  readonly [Type in Message['type']]: (
    message: Extract<Message, { readonly type: Type }>,
    socket: Socket | undefined,
  ) => void
}

/** Calls the handler of its type for each message that another process sends; types without one are left to others. */
export function onMessages<Message extends { readonly type: string }>(
  channel: Pick<EventEmitter, 'on'>,
  handlers: Partial<Handlers<Message>>,
): void {
  const byType: Partial<Record<string, (message: never, socket: Socket | undefined) => void>> = handlers
  channel.on('message', (message: Message, socket?: Socket) =>
    byType[message.type]?.(message as never, socket),
  )
}
