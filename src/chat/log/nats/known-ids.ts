import type { Append } from '../room-log.ts'

/** Ids that are remembered at least; twice as many at most. */
const GENERATION = 500_000

/** Where recent messages are in their rooms, by their whole id, in bounded memory: two generations, the older one goes. */
export class KnownIds {
  #new = new Map<string, number>()
  #old = new Map<string, number>()

  static key({ room, user, id }: Omit<Append, 'body'>): string {
    return `${room}\u0000${user}\u0000${id}`
  }

  get(key: string): number | undefined {
    return this.#new.get(key) ?? this.#old.get(key)
  }

  set(key: string, seq: number): void {
    if (this.#new.size >= GENERATION) {
      this.#old = this.#new
      this.#new = new Map()
    }
    this.#new.set(key, seq)
  }
}
