import type { z } from 'zod'
import { invalidInput } from '../../base/errors.ts'
import { check } from '../../base/options.ts'
import { suggest } from '../../base/suggest.ts'
import { TooLarge } from '../../http/json.ts'
import type { ChatService } from './chat-service.ts'
import { roomName } from './fields.ts'
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

/** @throws {TooLarge} */
export function checkBody(text: string, maxBytes: number): void {
  if (Buffer.byteLength(text) > maxBytes) throw new TooLarge('the message is too large', maxBytes)
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
