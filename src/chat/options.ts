import { z } from 'zod'
import type { DistributionSpec } from '../base/distribution.ts'
import { count, type OptionsOf, option, optionSet, seconds } from '../base/options.ts'
import { mostConnections } from '../http/descriptors.ts'
import type { AuthOptions } from './auth/options.ts'
import type { ChatHooks } from './hooks/hooks.ts'
import type { HookOptions } from './hooks/http-hooks.ts'
import type { NamespaceOptions } from './rooms/namespaces.ts'

/** What a config file may say of the limits of a chat server. */
export const chatLimitOptions = optionSet({
  maxConnections: option(count, 'connections of a server', 20_000),
  maxBodyBytes: option(count.max(200_000), "bytes of a message's body", 8_192),
  maxRooms: option(count, 'rooms of a connection', 50),
  messagesPerSecond: option(z.number().positive(), 'messages/s of a user on average', 20),
  messageBurst: option(count, 'messages of a user at once', 40),
  outboxBytes: option(
    count.min(32_768),
    'bytes that may wait for a connection before it counts as slow',
    262_144,
  ),
  slowSeconds: option(seconds, 'seconds that a connection may be slow before it is closed', 30),
})

/** What bounds a chat server. */
export type ChatLimits = OptionsOf<typeof chatLimitOptions.shape>

export interface ChatOptions {
  auth?: AuthOptions
  /** Origins (`https://chat.example.org`) whose pages may connect; the server's own on this machine may anyway. */
  origins?: readonly string[]
  limits?: ChatLimits
  /** Options of rooms, by the beginning of their names. */
  namespaces?: NamespaceOptions | undefined
  /** Who decides about joins and messages beside the tokens: a backend by HTTP, or functions of this process. */
  hooks?: HookOptions | ChatHooks
  /** Work that each message costs, as in the simulator; default none. */
  work?: MessageWork
}

/** Work that each message costs, as plain data: it is sent to a server process. */
export interface MessageWork {
  readonly concurrency: number
  readonly queueLimit: number
  readonly serviceTime: DistributionSpec
}

/** The limits with the defaults filled in; not more connections than a process has descriptors for. */
export function chatLimits(options: ChatLimits = {}): Required<ChatLimits> {
  const limits = chatLimitOptions.parse(options)
  return { ...limits, maxConnections: Math.min(limits.maxConnections, mostConnections()) }
}
