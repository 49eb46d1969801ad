import { z } from 'zod'
import { invalidInput } from '../../base/errors.ts'
import { dataProblem, isName } from '../../protocol/rules.ts'
import type { ModerationAction } from '../access/moderation.ts'
import { SYSTEM_PREFIX } from '../access/moderation-log.ts'
import type { ChatService, ListOptions } from './chat-service.ts'
import type { ApiClient, ApiScope } from './keys.ts'
import { MAX_TALKERS } from './talkers.ts'

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

function route<T>(
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
const roomName = name.refine(
  (room) => !room.startsWith(SYSTEM_PREFIX),
  `rooms do not begin with ${SYSTEM_PREFIX}`,
)
const messageId = z.string().min(1).max(64)
const message = {
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
  id: messageId.optional().describe('published again under the same id, it stands once'),
}
const seconds = z.number().positive().max(3.2e9)
const reason = z.string().max(200).optional()
const sanction = z.strictObject({
  room: roomName.optional().describe('every room'),
  seconds: seconds.optional().describe('until it ends; never'),
  reason,
})

/** Milliseconds since 1970, so many seconds from now. */
const inSeconds = (count: number | undefined) =>
  count === undefined ? {} : { until: Date.now() + count * 1000 }

function whole(query: URLSearchParams, key: string, otherwise: number, max: number): number {
  const text = query.get(key)
  if (text === null) return otherwise
  if (!/^\d{1,15}$/.test(text) || Number(text) > max)
    throw invalidInput(key, `${JSON.stringify(text)} is not allowed`, `a whole number up to ${max}`)
  return Number(text)
}

/** One of several words; the first is the default. */
function choice<T extends string>(query: URLSearchParams, key: string, allowed: readonly [T, ...T[]]): T {
  const text = query.get(key) ?? allowed[0]
  const found = allowed.find((each) => each === text)
  if (found === undefined)
    throw invalidInput(key, `${JSON.stringify(text)} is not allowed`, allowed.join(', '))
  return found
}

const listQuery = {
  prefix: 'only names that begin like this',
  search: 'only names that contain this, in upper or lower case',
  after: 'only names after this one: `next` of the page before',
  limit: 'at most this many, up to 1000; 100',
}

function listOptions(query: URLSearchParams): ListOptions {
  const text = (key: string) => query.get(key) ?? ''
  return {
    prefix: text('prefix'),
    search: text('search'),
    after: text('after'),
    limit: whole(query, 'limit', 100, 1000),
  }
}

function placeOf(text: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text)) throw invalidInput('seq', 'it is not allowed', 'the place of a message')
  return Number(text)
}

function checkBody(text: string, maxBytes: number): void {
  if (Buffer.byteLength(text) > maxBytes)
    throw invalidInput('body', 'the message is too large', `at most ${maxBytes} bytes`)
}

function checkRooms(client: ApiClient, rooms: readonly (string | undefined)[]): void {
  for (const room of rooms) {
    if (room === undefined ? !client.everyRoom : !client.mayUse(room))
      throw invalidInput('room', `this key is not for ${room ?? 'every room'}`, 'a room of the key')
  }
}

function sanctionRoutes(type: 'ban' | 'mute', what: string): ApiRoute[] {
  return [
    route(
      'POST',
      `/v1/users/{user}/${type}`,
      'moderate',
      what,
      { body: sanction, bodyOptional: true },
      async ({ service, client, user, body: { seconds: length, ...more } }) => {
        checkRooms(client, [more.room])
        await service.decide({ type, user, ...more, ...inSeconds(length) } as ModerationAction)
      },
    ),
    route(
      'DELETE',
      `/v1/users/{user}/${type}`,
      'moderate',
      `Ends a ${type}, of the room \`room\` or of the whole chat.`,
      { query: { room: 'the room it was for' } },
      async ({ service, client, user, query }) => {
        const room = query.get('room') ?? undefined
        checkRooms(client, [room])
        await service.decide({ type: `un${type}`, user, ...(room !== undefined && { room }) })
      },
    ),
  ]
}

/** What the server API answers to. */
export const API_ROUTES: readonly ApiRoute[] = [
  route(
    'POST',
    '/v1/rooms/{room}/messages',
    'publish',
    'Publishes a message to a room. Safe to repeat with the same `id` or `Idempotency-Key`.',
    { body: z.strictObject(message), answers: true },
    async ({ service, room, body, idempotencyKey, maxBodyBytes }) => {
      checkBody(body.body, maxBodyBytes)
      const { durability } = service
      return { ...(await service.publish(room, { id: idempotencyKey, ...body })), durability }
    },
  ),
  route(
    'POST',
    '/v1/publish',
    'publish',
    'Publishes a message to up to 100 rooms. Each result has `seq`, or `error`: repeat with the same `id`.',
    { body: z.strictObject({ rooms: z.array(roomName).min(1).max(100), ...message }), answers: true },
    async ({ service, client, body: { rooms, ...publication }, idempotencyKey, maxBodyBytes }) => {
      checkBody(publication.body, maxBodyBytes)
      checkRooms(client, rooms)
      const id = publication.id ?? idempotencyKey
      const results = await Promise.all(
        rooms.map((room) =>
          service
            .publish(room, { ...publication, id })
            .catch((error: Error) => ({ room, error: error.message })),
        ),
      )
      return { results, durability: service.durability }
    },
  ),
  route(
    'POST',
    '/v1/announce',
    'publish',
    'Publishes a message to every room with members.',
    { body: z.strictObject(message), everyRoom: true, answers: true },
    async ({ service, body, idempotencyKey, maxBodyBytes }) => {
      checkBody(body.body, maxBodyBytes)
      return { rooms: await service.announce({ id: idempotencyKey, ...body }) }
    },
  ),
  route(
    'GET',
    '/v1/rooms/{room}/messages',
    'read',
    'Messages of a room, oldest first: the newest ones, or those before a place.',
    { query: { before: 'the place; the end', limit: 'at most so many, up to 200; 50' } },
    ({ service, room, query }) =>
      service.history(
        room,
        whole(query, 'before', Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
        whole(query, 'limit', 50, 200),
      ),
  ),
  route(
    'GET',
    '/v1/rooms',
    'read',
    'Rooms with members and how many they are. `next` is the `after` of the next page.',
    {
      everyRoom: true,
      query: { ...listQuery, order: '`name`, or `members` for those with the most members first; name' },
    },
    ({ service, query }) => service.rooms(listOptions(query), choice(query, 'order', ['name', 'members'])),
  ),
  route(
    'GET',
    '/v1/users',
    'read',
    'Users who are in rooms, by name, and in how many. `next` is the `after` of the next page.',
    { everyRoom: true, query: listQuery },
    ({ service, query }) => service.users(listOptions(query)),
  ),
  route(
    'GET',
    '/v1/talkers',
    'read',
    'The users who sent most messages in the last minute, most first, with the room of the last message.',
    { everyRoom: true, query: { limit: 'at most this many, up to 50; 20' } },
    ({ service, query }) => service.talkers(whole(query, 'limit', 20, MAX_TALKERS)),
  ),
  route(
    'GET',
    '/v1/rooms/{room}',
    'read',
    'A room: its members, by name where there are at most 100, and the places of its log.',
    {},
    ({ service, room }) => service.room(room),
  ),
  route(
    'PATCH',
    '/v1/rooms/{room}/messages/{seq}',
    'moderate',
    'Replaces body and data of the message at the place `seq`, whichever user sent it.',
    { body: z.strictObject(message), answers: true },
    async ({ service, room, seq, body, idempotencyKey, maxBodyBytes }) => {
      checkBody(body.body, maxBodyBytes)
      return service.edit(room, placeOf(seq), { id: idempotencyKey, ...body })
    },
  ),
  route(
    'DELETE',
    '/v1/rooms/{room}/messages/{seq}',
    'moderate',
    'Deletes the message at the place `seq`, whichever user sent it: its body is not served any more.',
    { answers: true },
    async ({ service, room, seq }) => service.delete(room, placeOf(seq)),
  ),
  route(
    'DELETE',
    '/v1/rooms/{room}',
    'moderate',
    'Closes a room and hides everything in it for good. Opened again, it is empty.',
    { query: { reason: 'shown to its members' } },
    async ({ service, room, query }) => service.deleteRoom(room, query.get('reason') ?? undefined),
  ),
  route(
    'POST',
    '/v1/rooms/{room}/close',
    'moderate',
    'Closes a room: its members leave it, and no user can join or send until it is opened. Its messages are kept.',
    { body: z.strictObject({ reason }), bodyOptional: true },
    async ({ service, room, body }) => service.decide({ type: 'close-room', room, ...body }),
  ),
  route('POST', '/v1/rooms/{room}/open', 'moderate', 'Opens a closed room.', {}, async ({ service, room }) =>
    service.decide({ type: 'open-room', room }),
  ),
  route(
    'GET',
    '/v1/users/{user}',
    'read',
    'A user: the rooms and servers where the user is connected, and what moderators decided.',
    { everyRoom: true },
    ({ service, user }) => service.user(user),
  ),
  route(
    'POST',
    '/v1/users/{user}/kick',
    'moderate',
    "Ends a user's connections, or the stay in one room. The user may come back: a ban prevents that.",
    { body: z.strictObject({ room: roomName.optional(), reason }), bodyOptional: true },
    async ({ service, client, user, body }) => {
      checkRooms(client, [body.room])
      await service.decide({ type: 'kick', user, ...body })
    },
  ),
  ...sanctionRoutes('ban', 'Keeps a user out of a room, or out of the chat.'),
  ...sanctionRoutes('mute', 'Lets a user read only, in a room or everywhere.'),
  route(
    'POST',
    '/v1/users/{user}/revoke',
    'moderate',
    'Revokes every token of the user that was issued before now, and ends the connections made with them.',
    { everyRoom: true },
    // `iat` counts whole seconds.
    async ({ service, user }) =>
      service.decide({ type: 'revoke-user', user, before: Math.ceil((Date.now() + 1) / 1000) * 1000 }),
  ),
  route(
    'POST',
    '/v1/tokens/{id}/revoke',
    'moderate',
    'Revokes the token with this `jti`, and ends the connections made with it.',
    {
      everyRoom: true,
      bodyOptional: true,
      body: z.strictObject({
        seconds: seconds.optional().describe('how long to remember it: as long as tokens live; 30 days'),
      }),
    },
    async ({ service, id, body }) =>
      service.decide({
        type: 'revoke-token',
        id,
        until: Date.now() + (body.seconds ?? 30 * 86_400) * 1000,
      }),
  ),
  route(
    'GET',
    '/v1/moderation',
    'read',
    'Every ban, mute, revocation and closed room that holds now.',
    { everyRoom: true },
    ({ service }) => ({ active: service.sanctions() }),
  ),
]
