import { z } from 'zod'
import { invalidInput, shown } from '../../base/errors.ts'
import type { ListOptions, RoomOrder } from './chat-service.ts'
import { message, roomName } from './fields.ts'
import { MODERATION_ROUTES } from './moderation-routes.ts'
import { type ApiRoute, checkBody, checkRooms, route } from './route.ts'
import { MAX_TALKERS } from './talkers.ts'

function whole(query: URLSearchParams, key: string, otherwise: number, max: number, min = 0): number {
  const text = query.get(key)
  if (text === null) return otherwise
  if (!/^\d{1,16}$/.test(text) || Number(text) > max || Number(text) < min)
    throw invalidInput(key, `${JSON.stringify(text)} is not allowed`, `a whole number from ${min} to ${max}`)
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

/** @param order of a list: with the most members first, a place of it begins with a number */
function listOptions(query: URLSearchParams, order: RoomOrder = 'name'): ListOptions {
  const text = (key: string) => query.get(key) ?? ''
  if (order === 'members' && !/^(\d{1,15}:.*)?$/s.test(text('after')))
    throw invalidInput(
      'after',
      `${shown(text('after'))} is not allowed`,
      '`next` of the page before, in this order',
    )
  return {
    prefix: text('prefix'),
    search: text('search'),
    after: text('after'),
    limit: whole(query, 'limit', 100, 1000, 1),
  }
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
    { query: { before: 'the place; the end', limit: 'at most this many, up to 200; 50' } },
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
    ({ service, query }) => {
      const order = choice(query, 'order', ['name', 'members'])
      return service.rooms(listOptions(query, order), order)
    },
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
  ...MODERATION_ROUTES,
]
