import type { DistributionSpec } from '../base/distribution.ts'
import { invalidInput, requireNumber } from '../base/errors.ts'
import type { AuthOptions } from './auth/options.ts'

/** What bounds a chat server. */
export interface ChatLimits {
  /** Connections of one server; 20,000. */
  maxConnections?: number
  /** Bytes of a message's body; 8,192. */
  maxBodyBytes?: number
  /** Rooms a connection may be in; 50. */
  maxRooms?: number
  /** Messages a second a user may send on average (20), and at once (40). */
  messagesPerSecond?: number
  messageBurst?: number
  /** Bytes that may wait for a connection before it counts as too slow; 262,144, at least 32,768. */
  outboxBytes?: number
  /** Seconds that a connection may stay too slow before it is closed; 30. */
  slowSeconds?: number
}

export interface ChatOptions {
  auth?: AuthOptions
  /** Origins (`https://chat.example.org`) whose pages may connect; the server's own on this machine may anyway. */
  origins?: readonly string[]
  limits?: ChatLimits
  /** Work that each message costs, as in the simulator; none unless told. */
  work?: MessageWork
}

/** Work that each message costs, as plain data: a server process is told of it. */
export interface MessageWork {
  readonly concurrency: number
  readonly queueLimit: number
  readonly serviceTime: DistributionSpec
}

const LIMITS = {
  maxConnections: 20_000,
  maxBodyBytes: 8_192,
  maxRooms: 50,
  messagesPerSecond: 20,
  messageBurst: 40,
  outboxBytes: 262_144,
  slowSeconds: 30,
} as const satisfies Required<ChatLimits>

/** The limits with what was not told filled in; each is above 0. */
export function chatLimits(options: ChatLimits = {}): Required<ChatLimits> {
  const limits: Required<ChatLimits> = { ...LIMITS }
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(LIMITS, name))
      throw invalidInput(name, 'there is no such limit', Object.keys(LIMITS).join(', '))
    if (value !== undefined)
      limits[name as keyof ChatLimits] = requireNumber(
        name,
        value,
        name === 'outboxBytes' ? { min: 32_768 } : { above: 0 },
      )
  }
  return limits
}
