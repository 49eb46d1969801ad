/** A seeded source of randomness with named, independent streams. */
export interface Rng {
  /** A number in (0, 1): never 0, so its logarithm is finite. */
  next(): number
  /** A whole number in [0, n). */
  below(n: number): number
  /** An exponentially distributed number with the given mean. */
  exponential(mean: number): number
  /** Another generator that depends only on this one's seed and `name`, not on what was drawn so far. */
  stream(name: string): Rng
}

/** FNV-1a over UTF-16 code units: 32 bits from a text. */
export function hash(text: string, basis = 0x811c9dc5): number {
  let h = basis >>> 0
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193)
  return h >>> 0
}

/** The finalizer of MurmurHash3 (Appleby): mixes 32 bits well. */
export function mix(value: number): number {
  let h = value | 0
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

/**
 * sfc32 ("small fast counting", Chris Doty-Humphrey, PractRand): 128 bits of state, period at least 2^32, passes
 * PractRand and BigCrush. `next` has a resolution of 2^-32.
 */
class Sfc32 implements Rng {
  private a: number
  private b: number
  private c: number
  private counter = 1
  private readonly key: string

  constructor(key: string) {
    this.key = key
    this.a = hash(key)
    this.b = hash(key, 0x9e3779b9)
    this.c = hash(key, 0x85ebca6b)
    for (let i = 0; i < 15; i++) this.bits()
  }

  private bits(): number {
    const t = (((this.a + this.b) | 0) + this.counter) | 0
    this.counter = (this.counter + 1) | 0
    this.a = this.b ^ (this.b >>> 9)
    this.b = (this.c + (this.c << 3)) | 0
    this.c = (((this.c << 21) | (this.c >>> 11)) + t) | 0
    return t >>> 0
  }

  next(): number {
    return (this.bits() + 0.5) * 2.3283064365386963e-10
  }

  below(n: number): number {
    return Math.floor(this.next() * n)
  }

  exponential(mean: number): number {
    return -Math.log(this.next()) * mean
  }

  stream(name: string): Rng {
    return new Sfc32(`${this.key}/${name}`)
  }
}

/** The generator of a run: everything random in it comes from this seed by named streams. */
export function seededRng(seed: number | string): Rng {
  return new Sfc32(String(seed))
}
