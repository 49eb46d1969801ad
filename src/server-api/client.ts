import { invalidInput, requireNumber, shown } from '../base/errors.ts'
import { type KeysOf, requireKnown } from '../base/known-keys.ts'
import type { ChatService, ListOptions as Listing, Published, RoomOrder } from '../chat/api/chat-service.ts'

export { verifySignature } from '../chat/hooks/signature.ts'
export { ServerApiError } from './request.ts'

import type { Durability, MessageData } from '../protocol/messages.ts'
import { type ApiRequest, request, ServerApiError, type Shape } from './request.ts'

/** Where the server API is, and the key for it. */
export interface ServerApiClientOptions {
  /** Where the server API answers, for example `http://127.0.0.1:8081`. */
  url: string
  /** A key with the scopes that are needed. */
  key: string
  /** Milliseconds until a request is given up; default 10,000. */
  timeoutMs?: number
  /** How often a request that is safe to repeat is sent again after 503 or a lost connection; default 3. */
  retries?: number
}

const KEYS: KeysOf<ServerApiClientOptions> = { url: true, key: true, timeoutMs: true, retries: true }

/** A message that a backend publishes. */
export interface Message {
  body: string
  /** What the app keeps with it: a JSON object of at most 2,048 bytes. */
  data?: MessageData
  /** Whose message it is; default `$server`. */
  user?: string
  /** Published again under the same id, it is in the room once; default: a random one, kept over retries. */
  id?: string
}

/** Where, for how long and why a user is banned or muted. */
export interface SanctionOptions {
  /** Default: everywhere. */
  room?: string
  /** Default: until it is ended. */
  seconds?: number
  reason?: string
}

type ListOptions = Partial<Listing>
type Room = Awaited<ReturnType<ChatService['room']>>
type Sanctions = { active: ReturnType<ChatService['sanctions']> }
type Durable = { durability: Durability }
type History = Awaited<ReturnType<ChatService['history']>>

const PUBLISHED: Shape<Published> = { seq: 'integer', id: 'text', duplicate: 'boolean' }

/** A part of a path. @throws {ServerApiError} when addresses cannot name it: some they take for another path. */
function segment(name: string): string {
  const isNamed = name !== '' && name !== '.' && name !== '..' && !/\p{Surrogate}/u.test(name)
  if (isNamed) return encodeURIComponent(name)
  throw new ServerApiError(400, 'INVALID_INPUT', `an address cannot name ${JSON.stringify(name)}`)
}

/** @throws {ConcertinaError} that repeats no password */
function checkUrl(url: string): void {
  const allowed = 'an http:// or https:// address without user, query and fragment'
  const {
    protocol = '',
    username,
    password,
    search,
    hash,
  } = URL.canParse(url) ? new URL(url) : ({} as Partial<URL>)
  if (username || password) throw invalidInput('url', 'it has a user in it', allowed)
  if (!/^https?:$/.test(protocol) || search || hash)
    throw invalidInput('url', `${shown(url)} is not allowed`, allowed)
}

/** What the value of a header may have. */
const IN_HEADER = /^[\t\x20-\x7e\x80-\xff]+$/

const FIRST_WAIT_MS = 200
const MAX_WAIT_MS = 10_000

/**
 * The server API for a backend: publishes, reads, and decides about users and rooms.
 *
 * @example
 * const chat = new ServerApiClient({ url: 'http://127.0.0.1:8081', key: process.env.CHAT_KEY! })
 * await chat.publish('orders', { body: 'order 17 was paid', id: 'order-17-paid' })
 */
export class ServerApiClient {
  readonly #options: Required<ServerApiClientOptions>

  /** @throws {ConcertinaError} INVALID_INPUT, naming the option. */
  constructor(options: ServerApiClientOptions) {
    requireKnown('', options, KEYS)
    const { url, key, timeoutMs = 10_000, retries = 3 } = options
    checkUrl(url)
    if (typeof key !== 'string' || key.trim() === '')
      throw invalidInput('key', 'is missing', 'a key of the server API')
    if (!IN_HEADER.test(key.trim()))
      throw invalidInput('key', 'it has characters that no header may have', 'a key of the server API')
    this.#options = {
      url: url.replace(/\/+$/, ''),
      key: key.trim(),
      timeoutMs: requireNumber('timeoutMs', timeoutMs, { above: 0 }),
      retries: requireNumber('retries', retries, { min: 0, integer: true }),
    }
  }

  async publish(room: string, { id = crypto.randomUUID(), ...message }: Message) {
    return this.#send<Published & Durable>({
      method: 'POST',
      path: `/v1/rooms/${segment(room)}/messages`,
      body: { id, ...message },
      shape: { ...PUBLISHED, durability: 'text' },
    })
  }

  /** Publishes to up to 100 rooms. A result with `error` may be published again with the same id. */
  publishToMany(rooms: readonly string[], { id = crypto.randomUUID(), ...message }: Message) {
    return this.#send<{ results: (Published | { room: string; error: string })[] } & Durable>({
      method: 'POST',
      path: '/v1/publish',
      body: { rooms, id, ...message },
      shape: { results: 'list', durability: 'text' },
    })
  }

  /** Publishes to every room with members. */
  announce({ id = crypto.randomUUID(), ...message }: Message) {
    return this.#send<{ rooms: number }>({
      method: 'POST',
      path: '/v1/announce',
      body: { id, ...message },
      shape: { rooms: 'integer' },
    })
  }

  /** Replaces body and data of the message at the place `seq`, whichever user sent it. */
  async edit(room: string, seq: number, { id = crypto.randomUUID(), ...message }: Message) {
    const path = `/v1/rooms/${segment(room)}/messages/${segment(String(seq))}`
    return this.#send<Published>({ method: 'PATCH', path, body: { id, ...message }, shape: PUBLISHED })
  }

  /** Deletes the message at the place `seq`, whichever user sent it. */
  async delete(room: string, seq: number) {
    const path = `/v1/rooms/${segment(room)}/messages/${segment(String(seq))}`
    return this.#send<Published>({ method: 'DELETE', path, shape: PUBLISHED })
  }

  /** Closes a room and hides everything in it for good. Opened again, it is empty. */
  async deleteRoom(room: string, { reason }: { reason?: string } = {}) {
    return this.#change('DELETE', `/v1/rooms/${segment(room)}${queryOf({ reason })}`)
  }

  /** The newest messages of a room, or those before a place; oldest first. */
  async history(room: string, options: { before?: number; limit?: number } = {}) {
    return this.#get<History>(
      `/v1/rooms/${segment(room)}/messages`,
      { messages: 'list', first: 'integer', head: 'integer' },
      options,
    )
  }

  /** A page of the rooms with members. */
  rooms(options: ListOptions & { order?: RoomOrder } = {}) {
    return this.#get<ReturnType<ChatService['rooms']>>(
      '/v1/rooms',
      { rooms: 'list', total: 'integer' },
      options,
    )
  }

  /** A page of the users who are in rooms. */
  users(options: ListOptions = {}) {
    return this.#get<ReturnType<ChatService['users']>>(
      '/v1/users',
      { users: 'list', total: 'integer' },
      options,
    )
  }

  /** The users who sent most messages in the last minute. */
  talkers(options: { limit?: number } = {}) {
    return this.#get<ReturnType<ChatService['talkers']>>(
      '/v1/talkers',
      { talkers: 'list', seconds: 'integer' },
      options,
    )
  }

  async room(room: string) {
    return this.#get<Room>(`/v1/rooms/${segment(room)}`, { head: 'integer', closed: 'boolean' })
  }

  async user(user: string) {
    return this.#get<ReturnType<ChatService['user']>>(`/v1/users/${segment(user)}`, {
      online: 'boolean',
      rooms: 'list',
    })
  }

  /** Every ban, mute, revocation and closed room that holds now. */
  async sanctions() {
    const { active } = await this.#get<Sanctions>('/v1/moderation', { active: 'list' })
    return active
  }

  async kick(user: string, options: { room?: string; reason?: string } = {}) {
    return this.#change('POST', `/v1/users/${segment(user)}/kick`, options)
  }

  async ban(user: string, options: SanctionOptions = {}) {
    return this.#change('POST', `/v1/users/${segment(user)}/ban`, options)
  }

  async unban(user: string, { room }: { room?: string } = {}) {
    return this.#change('DELETE', `/v1/users/${segment(user)}/ban${queryOf({ room })}`)
  }

  async mute(user: string, options: SanctionOptions = {}) {
    return this.#change('POST', `/v1/users/${segment(user)}/mute`, options)
  }

  async unmute(user: string, { room }: { room?: string } = {}) {
    return this.#change('DELETE', `/v1/users/${segment(user)}/mute${queryOf({ room })}`)
  }

  /** Revokes the tokens of a user that were issued before now. */
  async revokeUser(user: string) {
    return this.#change('POST', `/v1/users/${segment(user)}/revoke`)
  }

  /** Revokes the token with this `jti`; `seconds`: as long as tokens live. */
  async revokeToken(id: string, options: { seconds?: number } = {}) {
    return this.#change('POST', `/v1/tokens/${segment(id)}/revoke`, options)
  }

  async closeRoom(room: string, options: { reason?: string } = {}) {
    return this.#change('POST', `/v1/rooms/${segment(room)}/close`, options)
  }

  async openRoom(room: string) {
    return this.#change('POST', `/v1/rooms/${segment(room)}/open`)
  }

  #change(method: string, path: string, body?: object): Promise<void> {
    return this.#send<void>({ method, path, body: body && { ...body } })
  }

  #get<T>(path: string, shape: Shape<T>, query: Query = {}): Promise<T> {
    return this.#send({ method: 'GET', path: path + queryOf(query), shape })
  }

  /** Every request is safe to repeat: what publishes has an id, and decisions are the same twice. */
  async #send<T>(asked: ApiRequest<T>): Promise<T> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await request(this.#options, asked)
      } catch (error) {
        const mayPass = error instanceof ServerApiError && (error.status === 503 || error.status === 0)
        if (!mayPass || attempt >= this.#options.retries) throw error
        const wait = Math.min(MAX_WAIT_MS, FIRST_WAIT_MS * 2 ** attempt)
        await new Promise((resolve) => setTimeout(resolve, wait))
      }
    }
  }
}

type Query = Record<string, string | number | undefined>

function queryOf(query: Query): string {
  const given = new URLSearchParams()
  for (const [key, value] of Object.entries(query)) if (value !== undefined) given.set(key, String(value))
  return given.size === 0 ? '' : `?${given}`
}
