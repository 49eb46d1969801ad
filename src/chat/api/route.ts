import { z } from 'zod'
import { invalidInput } from '../../base/errors.ts'
import { dataProblem, isName } from '../../protocol/rules.ts'
import { SYSTEM_PREFIX } from '../access/moderation-log.ts'
import type { ChatService } from './chat-service.ts'
import type { ApiClient, ApiScope } from './keys.ts'

/** A request of the server API, its path and its body already checked. */
interface ApiCall<Body> {
  readonly service: ChatService
  readonly client: ApiClient
  /** The parts of the path in braces. */
  readonly room: string
  readonly user: string
  readonly id: string
  readonly seq: string
  readonly query: URLSearchParams
  /** The header `Idempotency-Key`. */
  readonly idempotencyKey: string | undefined
  readonly maxBodyBytes: number
  readonly body: Body
}

export interface ApiRoute {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  readonly path: string
  readonly scope: ApiScope
  readonly summary: string
  /** Query parameters, each with what it means. */
  readonly query?: Readonly<Record<string, string>>
  readonly body?: z.ZodType
  readonly bodyOptional?: boolean
  /** Whether it answers with a body, though it changes something. */
  readonly answers?: boolean
  /** Whether it concerns all rooms, which a key for some rooms may not. */
  readonly everyRoom?: boolean
  run(call: ApiCall<never>): unknown
}

/** Declares a route; the types of its body and of `run` agree. */
export function route<T>(
  method: ApiRoute['method'],
  path: string,
  scope: ApiScope,
  summary: string,
  options: Pick<ApiRoute, 'query' | 'everyRoom' | 'bodyOptional' | 'answers'> & { body?: z.ZodType<T> },
  run: (call: ApiCall<T>) => unknown,
): ApiRoute {
  return { method, path, scope, summary, ...options, run: run as ApiRoute['run'] }
}

const name = z.string().refine(isName, '1 to 128 characters, no control characters')
export const roomName = name.refine(
  (room) => !room.startsWith(SYSTEM_PREFIX),
  `rooms do not begin with ${SYSTEM_PREFIX}`,
)
const messageId = z.string().min(1).max(64)
/** The fields of a message in a body. */
export const message = {
  body: z.string(),
  data: z
    .record(z.string(), z.unknown())
    .superRefine((data, context) => {
      const problem = dataProblem(data)
      if (problem !== undefined) context.addIssue({ code: 'custom', message: problem })
    })
    .optional()
    .describe('what the app keeps with the message'),
  user: name.optional().describe('whose message it is; $server'),
  id: messageId.optional().describe('published again under the same id, it is in the room once'),
}
export function checkBody(text: string, maxBytes: number): void {
  if (Buffer.byteLength(text) > maxBytes)
    throw invalidInput('body', 'the message is too large', `at most ${maxBytes} bytes`)
}

/** @throws {ConcertinaError} INVALID_INPUT when the key is not for one of the rooms; `undefined` is every room. */
export function checkRooms(client: ApiClient, rooms: readonly (string | undefined)[]): void {
  for (const room of rooms) {
    if (room === undefined ? !client.everyRoom : !client.mayUse(room))
      throw invalidInput('room', `this key is not for ${room ?? 'every room'}`, 'a room of the key')
  }
}
