interface Growth {
  readonly servers: number
  readonly until: number
}

/**
 * Servers that were added a short while ago and do not show in the metric yet. AWS Auto Scaling counts them towards what a
 * scale-out has done already, and does not scale in meanwhile.
 */
export class WarmUp {
  readonly #seconds: number
  #growth: Growth[] = []

  constructor(seconds: number) {
    this.#seconds = seconds
  }

  /** Servers still warming up at `time`. */
  at(time: number): number {
    this.#growth = this.#growth.filter(({ until }) => until > time)
    return this.#growth.reduce((sum, { servers }) => sum + servers, 0)
  }

  /** So many servers were asked for in addition at `time`. */
  add(time: number, servers: number): void {
    if (servers > 0 && this.#seconds > 0) this.#growth.push({ servers, until: time + this.#seconds })
  }
}
