import { createHash } from 'node:crypto'
import { invalidInput } from '../../base/errors.ts'
import { matches } from '../auth/identity.ts'

/** What a key of the server API may do: send messages, read, or decide about users and rooms. */
export const API_SCOPES = ['publish', 'read', 'moderate'] as const
export type ApiScope = (typeof API_SCOPES)[number]

export interface ApiKeyOptions {
  /** Who uses it: appears in the audit log. */
  name: string
  /** The key itself: at least 32 characters. */
  key: string
  /** Default: all of them. */
  scopes?: readonly ApiScope[]
  /** Rooms it is for: names, or beginnings and `*`; default every one. */
  rooms?: readonly string[]
}

/** A key that was recognized. */
export interface ApiClient {
  readonly name: string
  readonly scopes: ReadonlySet<ApiScope>
  mayUse(room: string): boolean
  /** Whether its rooms are not limited: what concerns all rooms needs that. */
  readonly everyRoom: boolean
}

const digest = (text: string) => createHash('sha256').update(text).digest('hex')

/** The keys of the server API. Only their digests are kept. */
export class ApiKeys {
  readonly #clients = new Map<string, ApiClient>()

  /** @throws {ConcertinaError} INVALID_INPUT when a key is too short or given twice. */
  constructor(keys: readonly ApiKeyOptions[]) {
    for (const [i, { name, key, scopes = API_SCOPES, rooms = ['*'] }] of keys.entries()) {
      const where = `apiKeys[${i}]`
      if (key.length < 32) throw invalidInput(where, 'the key is too short', 'at least 32 characters')
      if (this.#clients.has(digest(key))) throw invalidInput(where, 'the key is given twice', 'another key')
      this.#clients.set(digest(key), {
        name,
        scopes: new Set(scopes),
        mayUse: (room) => matches(rooms, room),
        everyRoom: rooms.includes('*'),
      })
    }
  }

  /** Who an `Authorization: Bearer KEY` header belongs to. Looked up by digest, so that timing shows nothing of the keys. */
  client(authorization = ''): ApiClient | undefined {
    const [, key] = /^Bearer +(.+)$/i.exec(authorization) ?? []
    return key === undefined ? undefined : this.#clients.get(digest(key))
  }
}
