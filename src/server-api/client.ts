import { invalidInput, requireNumber, shown } from '../base/errors.ts'
import { type KeysOf, requireKnown } from '../base/known-keys.ts'
import type { ChatService, ListOptions as Listing, Published, RoomOrder } from '../chat/api/chat-service.ts'

export { verifySignature } from '../chat/hooks/signature.ts'

import type { Durability, MessageData } from '../protocol/messages.ts'

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

/** Why the chat did not do what was asked. */
export class ServerApiError extends Error {
  override readonly name = 'ServerApiError'
  readonly status: number
  readonly code: string

  constructor(status: number, code: string, message: string) {
    super(message)
    this.status = status
    this.code = code
  }
}

type ListOptions = Partial<Listing>
type Json = Record<string, unknown>
type Room = Awaited<ReturnType<ChatService['room']>>
type History = Awaited<ReturnType<ChatService['history']>>

/** A part of a path. @throws {ServerApiError} when addresses cannot name it: some they take for another path. */
function segment(name: string): string {
  const isNamed = name !== '' && name !== '.' && name !== '..' && !/\p{Surrogate}/u.test(name)
  if (isNamed) return encodeURIComponent(name)
  throw new ServerApiError(400, 'INVALID_INPUT', `an address cannot name ${JSON.stringify(name)}`)
}

const FIRST_WAIT_MS = 200

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
    if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
      throw invalidInput('url', `${shown(url)} is not allowed`, 'an http:// or https:// address')
    if (typeof key !== 'string' || key === '')
      throw invalidInput('key', 'is missing', 'a key of the server API')
    this.#options = {
      url: url.replace(/\/+$/, ''),
      key,
      timeoutMs: requireNumber('timeoutMs', timeoutMs, { above: 0 }),
      retries: requireNumber('retries', retries, { min: 0, integer: true }),
    }
  }

  async publish(room: string, { id = crypto.randomUUID(), ...message }: Message) {
    return this.#send<Published & { durability: Durability }>('POST', `/v1/rooms/${segment(room)}/messages`, {
      id,
      ...message,
    })
  }

  /** Publishes to up to 100 rooms. A result with `error` may be published again with the same id. */
  publishToMany(rooms: readonly string[], { id = crypto.randomUUID(), ...message }: Message) {
    return this.#send<{ results: (Published | { room: string; error: string })[]; durability: Durability }>(
      'POST',
      '/v1/publish',
      { rooms, id, ...message },
    )
  }

  /** Publishes to every room with members. */
  announce({ id = crypto.randomUUID(), ...message }: Message) {
    return this.#send<{ rooms: number }>('POST', '/v1/announce', { id, ...message })
  }

  /** Replaces body and data of the message at the place `seq`, whichever user sent it. */
  async edit(room: string, seq: number, { id = crypto.randomUUID(), ...message }: Message) {
    return this.#send<Published>('PATCH', `/v1/rooms/${segment(room)}/messages/${segment(String(seq))}`, {
      id,
      ...message,
    })
  }

  /** Deletes the message at the place `seq`, whichever user sent it. */
  async delete(room: string, seq: number) {
    return this.#send<Published>('DELETE', `/v1/rooms/${segment(room)}/messages/${segment(String(seq))}`)
  }

  /** Closes a room and hides everything in it for good. Opened again, it is empty. */
  async deleteRoom(room: string, { reason }: { reason?: string } = {}) {
    return this.#send<void>('DELETE', `/v1/rooms/${segment(room)}${queryOf({ reason })}`)
  }

  /** The newest messages of a room, or those before a place; oldest first. */
  async history(room: string, options: { before?: number; limit?: number } = {}) {
    return this.#get<History>(`/v1/rooms/${segment(room)}/messages`, options)
  }

  /** A page of the rooms with members. */
  rooms(options: ListOptions & { order?: RoomOrder } = {}) {
    return this.#get<ReturnType<ChatService['rooms']>>('/v1/rooms', options)
  }

  /** A page of the users who are in rooms. */
  users(options: ListOptions = {}) {
    return this.#get<ReturnType<ChatService['users']>>('/v1/users', options)
  }

  /** The users who sent most messages in the last minute. */
  talkers(options: { limit?: number } = {}) {
    return this.#get<ReturnType<ChatService['talkers']>>('/v1/talkers', options)
  }

  async room(room: string) {
    return this.#get<Room>(`/v1/rooms/${segment(room)}`)
  }

  async user(user: string) {
    return this.#get<ReturnType<ChatService['user']>>(`/v1/users/${segment(user)}`)
  }

  /** Every ban, mute, revocation and closed room that holds now. */
  async sanctions() {
    const { active } = await this.#get<{ active: ReturnType<ChatService['sanctions']> }>('/v1/moderation')
    return active
  }

  async kick(user: string, options: { room?: string; reason?: string } = {}) {
    return this.#send<void>('POST', `/v1/users/${segment(user)}/kick`, options)
  }

  async ban(user: string, options: SanctionOptions = {}) {
    return this.#send<void>('POST', `/v1/users/${segment(user)}/ban`, { ...options })
  }

  async unban(user: string, { room }: { room?: string } = {}) {
    return this.#send<void>('DELETE', `/v1/users/${segment(user)}/ban${queryOf({ room })}`)
  }

  async mute(user: string, options: SanctionOptions = {}) {
    return this.#send<void>('POST', `/v1/users/${segment(user)}/mute`, { ...options })
  }

  async unmute(user: string, { room }: { room?: string } = {}) {
    return this.#send<void>('DELETE', `/v1/users/${segment(user)}/mute${queryOf({ room })}`)
  }

  /** Revokes the tokens of a user that were issued before now. */
  async revokeUser(user: string) {
    return this.#send<void>('POST', `/v1/users/${segment(user)}/revoke`)
  }

  /** Revokes the token with this `jti`; `seconds`: as long as tokens live. */
  async revokeToken(id: string, options: { seconds?: number } = {}) {
    return this.#send<void>('POST', `/v1/tokens/${segment(id)}/revoke`, options)
  }

  async closeRoom(room: string, options: { reason?: string } = {}) {
    return this.#send<void>('POST', `/v1/rooms/${segment(room)}/close`, options)
  }

  async openRoom(room: string) {
    return this.#send<void>('POST', `/v1/rooms/${segment(room)}/open`)
  }

  #get<T>(path: string, query: Record<string, string | number | undefined> = {}): Promise<T> {
    return this.#send('GET', path + queryOf(query))
  }

  /** Every request is safe to repeat: what publishes has an id, and decisions are the same twice. */
  async #send<T>(method: string, path: string, body?: Json): Promise<T> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#once<T>(method, path, body)
      } catch (error) {
        const mayPass = error instanceof ServerApiError && (error.status === 503 || error.status === 0)
        if (!mayPass || attempt >= this.#options.retries) throw error
        await new Promise((resolve) => setTimeout(resolve, FIRST_WAIT_MS * 2 ** attempt))
      }
    }
  }

  async #once<T>(method: string, path: string, body?: Json): Promise<T> {
    const { url, key, timeoutMs } = this.#options
    const text = body && JSON.stringify(body)
    let response: Response
    try {
      response = await fetch(url + path, {
        method,
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        signal: AbortSignal.timeout(timeoutMs),
        ...(text && { body: text }),
      })
    } catch (error) {
      const why = ((error as Error).cause as Error | undefined)?.message ?? (error as Error).message
      throw new ServerApiError(0, 'UNREACHABLE', `${url}: cannot be reached (${why})`)
    }
    if (response.status === 204) return undefined as T
    const answer = (await response.json().catch(() => undefined)) as Json | undefined
    if (response.ok && answer) return answer as T
    const {
      code = 'UNEXPECTED',
      message = `${url}: no answer of the server API (status ${response.status})`,
      hint,
    } = answer ?? {}
    throw new ServerApiError(
      response.status,
      String(code),
      hint === undefined ? String(message) : `${message} (${hint})`,
    )
  }
}

function queryOf(query: Record<string, string | number | undefined>): string {
  const given = new URLSearchParams()
  for (const [key, value] of Object.entries(query)) if (value !== undefined) given.set(key, String(value))
  return given.size === 0 ? '' : `?${given}`
}
