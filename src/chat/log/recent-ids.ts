import type { Append } from './room-log.ts'

/** Ids that are remembered at least; twice as many at most. */
const GENERATION = 500_000
const SLOTS = 2 ** 20

/** 64 bits that represent `(room, user, id)`. */
export interface IdHash {
  readonly high: number
  readonly low: number
}

function mix(text: string, high: number, low: number): IdHash {
  let h = high
  let l = low
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    h = Math.imul(h ^ code, 2654435761)
    l = Math.imul(l ^ code, 1597334677)
  }
  return { high: h ^ (l >>> 15), low: l ^ (h >>> 13) ^ text.length }
}

/** Open addressing in flat arrays: no object per id. */
class Table {
  readonly #high = new Int32Array(SLOTS)
  readonly #low = new Int32Array(SLOTS)
  /** 0 is an empty slot; places count from 1. */
  readonly #places = new Float64Array(SLOTS)
  size = 0

  #slot({ high, low }: IdHash): number {
    let at = (low ^ (high << 7)) & (SLOTS - 1)
    while (this.#places[at] !== 0 && (this.#high[at] !== high || this.#low[at] !== low))
      at = (at + 1) & (SLOTS - 1)
    return at
  }

  get(hash: IdHash): number | undefined {
    return this.#places[this.#slot(hash)] || undefined
  }

  set(hash: IdHash, seq: number): void {
    const at = this.#slot(hash)
    if (this.#places[at] === 0) this.size++
    this.#high[at] = hash.high
    this.#low[at] = hash.low
    this.#places[at] = seq
  }
}

/**
 * Remembers the places of recent messages by a hash of their ids, in bounded memory: two generations, the older one goes.
 * Two messages may have the same hash: who finds one compares it with the message.
 */
export class RecentIds {
  #new = new Table()
  #old: Table | undefined
  readonly #seed: IdHash

  /** @param seed kept secret, so that no one can make two ids meet on purpose */
  constructor(seed: IdHash) {
    this.#seed = seed
  }

  hash({ room, user, id }: Omit<Append, 'body'>): IdHash {
    const a = mix(room, this.#seed.high, this.#seed.low)
    const b = mix(user, a.high, a.low)
    const { high, low } = mix(id, b.high, b.low)
    let h = high ^ (high >>> 16)
    let l = low ^ (low >>> 16)
    h = Math.imul(h, 2246822507) ^ Math.imul(l ^ (l >>> 13), 3266489909)
    l = Math.imul(l, 2246822507) ^ Math.imul(h ^ (h >>> 13), 3266489909)
    return { high: h | 0, low: l | 0 }
  }

  get(hash: IdHash): number | undefined {
    return this.#new.get(hash) ?? this.#old?.get(hash)
  }

  set(hash: IdHash, seq: number): void {
    if (this.#new.size >= GENERATION) {
      this.#old = this.#new
      this.#new = new Table()
    }
    this.#new.set(hash, seq)
  }
}

/** Finds which of a batch has the same hash, without an object or a key for each. */
export class BatchIds {
  readonly #mask: number
  readonly #high: Int32Array
  readonly #low: Int32Array
  /** Index in the batch + 1; 0 is an empty slot. */
  readonly #indexes: Int32Array

  /** @param size of the batch */
  constructor(size: number) {
    const slots = 2 ** Math.ceil(Math.log2(2 * size + 1))
    this.#mask = slots - 1
    this.#high = new Int32Array(slots)
    this.#low = new Int32Array(slots)
    this.#indexes = new Int32Array(slots)
  }

  /** The index of the first with this hash; otherwise `-1`, and it is `index`. */
  find({ high, low }: IdHash, index: number): number {
    let at = (low ^ (high << 7)) & this.#mask
    for (; this.#indexes[at] !== 0; at = (at + 1) & this.#mask)
      if (this.#high[at] === high && this.#low[at] === low) return this.#indexes[at]! - 1
    this.#high[at] = high
    this.#low[at] = low
    this.#indexes[at] = index + 1
    return -1
  }
}

export function isSameId(a: Omit<Append, 'body'>, b: Omit<Append, 'body'>): boolean {
  return a.id === b.id && a.user === b.user && a.room === b.room
}
