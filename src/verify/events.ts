/**
 * What virtual users did and saw, one object a line in a history file. A *session* is one user's membership of one room, over all
 * its connections.
 */
export type HistoryEvent =
  | { type: 'join'; session: number; user: string; room: string }
  /** The session's place: messages after `seq` follow; again after every reconnect. */
  | { type: 'resumed'; session: number; epoch: string; seq: number }
  | { type: 'send'; session: number; id: string; at: number }
  | { type: 'ack'; session: number; id: string; seq: number; at: number }
  /** The send was given up: it may be in the log or not. */
  | { type: 'unacked'; session: number; id: string }
  /** `prevSeq` is the place of the message before it; without it places are consecutive. */
  | { type: 'message'; session: number; seq: number; prevSeq?: number; user: string; id: string; at: number }
  | { type: 'gap'; session: number; from: number; to: number }
  | { type: 'leave'; session: number }
  /** The run ended and everything was given time to arrive: members now have all messages. */
  | { type: 'end' }

/** Takes events as they happen. */
export type HistoryListener = (event: HistoryEvent) => void
