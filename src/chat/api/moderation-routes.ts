import { z } from 'zod'
import { invalidInput } from '../../base/errors.ts'
import { check } from '../../base/options.ts'
import type { ModerationAction } from '../access/moderation.ts'
import { message, roomName } from './fields.ts'
import { type ApiRoute, checkBody, checkRooms, roomOf, route } from './route.ts'

const seconds = z.number().positive().max(3.2e9)
const reason = z.string().max(200).optional()
const sanction = z.strictObject({
  room: roomName.optional().describe('every room'),
  seconds: seconds.optional().describe('until it ends; never'),
  reason,
})

/** The end of a sanction, milliseconds since 1970, from its length; without a length it has none. */
const inSeconds = (length: number | undefined) =>
  length === undefined ? {} : { until: Date.now() + length * 1000 }

function placeOf(text: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text)) throw invalidInput('seq', 'it is not allowed', 'the place of a message')
  return Number(text)
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
        const room = roomOf(query)
        checkRooms(client, [room])
        await service.decide({ type: `un${type}`, user, ...(room !== undefined && { room }) })
      },
    ),
  ]
}

/** Changes of what others wrote, closed rooms, and what users may do. */
export const MODERATION_ROUTES: readonly ApiRoute[] = [
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
    'Deletes the message at the place `seq`, whichever user sent it: its body is no longer served.',
    { answers: true },
    async ({ service, room, seq }) => service.delete(room, placeOf(seq)),
  ),
  route(
    'DELETE',
    '/v1/rooms/{room}',
    'moderate',
    'Closes a room and hides everything in it for good. Opened again, it is empty.',
    { query: { reason: 'shown to its members' } },
    async ({ service, room, query }) =>
      service.deleteRoom(room, check(reason, query.get('reason') ?? undefined, 'reason')),
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
