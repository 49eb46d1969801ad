import { z } from 'zod'
import { invalidInput } from '../../base/errors.ts'
import { suggest } from '../../base/nearest.ts'
import { check } from '../../base/options.ts'
import { dataProblem, isName, isRequestId } from '../../protocol/rules.ts'
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

const NOT_ALLOWED = 'it is not allowed'
const NAME = '1 to 128 characters, no control characters'

const isRoomName = (room: unknown) => isName(room) && !room.startsWith(SYSTEM_PREFIX)
const name = z.string().refine(isName, NOT_ALLOWED).meta({ allowed: NAME })
export const roomName = z
  .string()
  .refine(isRoomName, NOT_ALLOWED)
  .meta({ allowed: `${NAME}, not beginning with ${SYSTEM_PREFIX}` })
const messageId = z
  .string()
  .refine(isRequestId, NOT_ALLOWED)
  .meta({ allowed: '1 to 64 characters, no control characters' })
/** The fields of a message in a body. */
export const message = {
  body: z.string(),
  data: z
    .record(z.string(), z.unknown())
    .superRefine((data, context) => {
      const problem = dataProblem(data)
      if (problem !== undefined) context.addIssue({ code: 'custom', message: `${NOT_ALLOWED}: ${problem}` })
    })
    .meta({ allowed: 'a JSON object' })
    .optional()
    .describe('what the app keeps with the message'),
  user: name.optional().describe('whose message it is; $server'),
  id: messageId.optional().describe('published again under the same id, it is in the room once'),
}
export function checkBody(text: string, maxBytes: number): void {
  if (Buffer.byteLength(text) > maxBytes)
    throw invalidInput('body', 'the message is too large', `at most ${maxBytes} bytes`)
}

/** A key was used for rooms that it is not for. */
export class ForbiddenRoom extends Error {}

/** @throws {ForbiddenRoom} when the key is not for one of the rooms; `undefined` is every room. */
export function checkRooms(client: ApiClient, rooms: readonly (string | undefined)[]): void {
  for (const room of rooms) {
    if (room === undefined ? !client.everyRoom : !client.mayUse(room))
      throw new ForbiddenRoom(`the key is not for ${room ?? 'every room'}`)
  }
}

/** A room that a query names, if it does. @throws {ConcertinaError} INVALID_INPUT. */
export function roomOf(query: URLSearchParams): string | undefined {
  const room = query.get('room') ?? undefined
  return room === undefined ? undefined : check(roomName, room, 'room')
}

/**
 * A parameter that is misspelt would be left out, and what it limits would not be limited.
 * @throws {ConcertinaError} INVALID_INPUT for one that is not known, or given twice.
 */
export function checkQuery(query: URLSearchParams, known: readonly string[]): void {
  for (const key of query.keys()) {
    if (!known.includes(key))
      throw invalidInput(key, 'there is no such parameter', known.length > 0 ? suggest(key, known) : 'none')
    if (query.getAll(key).length > 1) throw invalidInput(key, 'it is given twice', 'one value')
  }
}
