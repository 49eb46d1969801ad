import type { Identity, RoomGrant } from '../auth/identity.ts'

/** The rooms that a connection was admitted to by tokens of their own, beside what its user's token allows. */
export class Grants {
  /** Made with the first: most connections have none. */
  #granted: Map<string, { readonly grant: RoomGrant; readonly timer: NodeJS.Timeout }> | undefined
  readonly #onExpired: (room: string) => void

  /** @param onExpired called when the token of a room has expired and no newer one came */
  constructor(onExpired: (room: string) => void) {
    this.#onExpired = onExpired
  }

  /** Replaces an earlier grant for the same room. */
  add(grant: RoomGrant): void {
    const { room, expires } = grant
    this.#granted ??= new Map()
    const granted = this.#granted
    clearTimeout(granted.get(room)?.timer)
    const expire = () => {
      granted.delete(room)
      this.#onExpired(room)
    }
    // A timer holds at most 2³¹ milliseconds.
    const timer = setTimeout(expire, Math.min(Math.max(0, expires - Date.now()), 2 ** 31 - 1))
    granted.set(room, { grant, timer })
  }

  /** Milliseconds until the grant for a room expires; `undefined` without one. */
  expiresInMs(room: string): number | undefined {
    const granted = this.#granted?.get(room)
    return granted && Math.max(0, granted.grant.expires - Date.now())
  }

  /** The identity with what is granted at each moment. */
  extend(identity: Identity): Identity {
    const grant = (room: string) => this.#granted?.get(room)?.grant
    return {
      ...identity,
      mayJoin: (room) => identity.mayJoin(room) || (grant(room)?.mayJoin() ?? false),
      maySend: (room) => identity.maySend(room) || (grant(room)?.maySend() ?? false),
    }
  }

  close(): void {
    for (const { timer } of this.#granted?.values() ?? []) clearTimeout(timer)
    this.#granted = undefined
  }
}
