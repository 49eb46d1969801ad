import { timerMs } from '../../base/timers.ts'
import { DerivedIdentity, type Identity, type RoomGrant } from '../auth/identity.ts'

interface GrantEvents {
  /** The token of a room has expired and no newer one came. */
  onGrantExpired(room: string): void
}

/** The rooms that a connection was admitted to by tokens of their own, beside what its user's token allows. */
export class Grants {
  /** Made with the first: most connections have none. */
  #granted: Map<string, { readonly grant: RoomGrant; readonly timer: NodeJS.Timeout }> | undefined
  readonly #events: GrantEvents

  constructor(events: GrantEvents) {
    this.#events = events
  }

  /** Replaces an earlier grant for the same room. */
  add(grant: RoomGrant): void {
    const { room, expires } = grant
    this.#granted ??= new Map()
    const granted = this.#granted
    clearTimeout(granted.get(room)?.timer)
    const expire = () => {
      granted.delete(room)
      this.#events.onGrantExpired(room)
    }
    const timer = setTimeout(expire, timerMs(Math.max(0, expires - Date.now())))
    granted.set(room, { grant, timer })
  }

  /** Milliseconds until the grant for a room expires; `undefined` without one. */
  expiresInMs(room: string): number | undefined {
    const granted = this.#granted?.get(room)
    return granted && Math.max(0, granted.grant.expires - Date.now())
  }

  /** The identity with what is granted at each moment. */
  extend(identity: Identity): Identity {
    return new Extended(identity, this)
  }

  of(room: string): RoomGrant | undefined {
    return this.#granted?.get(room)?.grant
  }

  close(): void {
    for (const { timer } of this.#granted?.values() ?? []) clearTimeout(timer)
    this.#granted = undefined
  }
}

class Extended extends DerivedIdentity {
  readonly #grants: Grants

  constructor(identity: Identity, grants: Grants) {
    super(identity)
    this.#grants = grants
  }

  override mayJoin(room: string): boolean {
    return super.mayJoin(room) || (this.#grants.of(room)?.mayJoin() ?? false)
  }

  override maySend(room: string): boolean {
    return super.maySend(room) || (this.#grants.of(room)?.maySend() ?? false)
  }
}
