import { requireNumber } from '../base/errors.ts'

/** What a server's work on messages is like, of a load that has users and no messages. */
export interface MessageModel {
  /** Messages that a server works on at once. */
  readonly concurrency: number
  /** Mean work of a message, seconds; exponential. */
  readonly serviceTime: number
  /** Messages that may wait on a server; one more is rejected. */
  readonly queueLimit: number
  /** Share of its slots that is busy on a server with all the users it holds: from this follows how much users send. */
  readonly fullUtilization: number
}

/** The simulator's server, four fifths busy when it is full. */
export const DEFAULT_MESSAGES: MessageModel = {
  concurrency: 4,
  serviceTime: 0.05,
  queueLimit: 1000,
  fullUtilization: 0.8,
}

/** Latency of the messages that were processed, milliseconds, and the share (0–1) of all that was rejected. */
export interface MessageLatency {
  readonly meanMs: number
  readonly p50Ms: number
  readonly p95Ms: number
  readonly p99Ms: number
  readonly rejected: number
}

/** Erlang's C formula: the probability that a message waits on `slots` slots that are busy to the share `utilization`. */
function erlangC(slots: number, utilization: number): number {
  const offered = slots * utilization
  let b = 1
  for (let k = 1; k <= slots; k++) b = (offered * b) / (k + offered * b)
  return b / (1 - utilization + utilization * b)
}

/** The time that a message spends on a server in equilibrium, in units of the service time: M/M/c, first come first served. */
class Sojourn {
  readonly #waits: number
  /** Rate of the wait of those that wait. */
  readonly #rate: number

  constructor(slots: number, utilization: number) {
    this.#waits = erlangC(slots, utilization)
    this.#rate = slots * (1 - utilization)
  }

  get mean(): number {
    return 1 + this.#waits / this.#rate
  }

  /** The probability of more than `t`. */
  exceeds(t: number): number {
    if (t <= 0) return 1
    const served = Math.exp(-t)
    const rate = this.#rate
    const both =
      Math.abs(rate - 1) < 1e-6 ? (1 + t) * served : (rate * served - Math.exp(-rate * t)) / (rate - 1)
    return (1 - this.#waits) * served + this.#waits * both
  }
}

/** Seconds that a server has to come to its equilibrium. */
const SETTLING = 60
const UTILIZATIONS = 256
const DELAYS = 512

/**
 * Adds up what messages would have waited. Users send at a constant rate and are spread evenly over the ready servers, so every
 * server is an M/M/c queue whose arrival rate follows the load:
 *
 * - below saturation it is in equilibrium at each moment, with Erlang's C formula for the wait: the pointwise stationary
 *   approximation (Green and Kolesar, *Management Science* 37, 1991). Near saturation equilibrium is reached late, after about
 *   1/(c·μ·(1 − √ρ)²) (the relaxation time of M/M/1 at rate c·μ), so no server counts as fuller than what it can settle to within
 *   a minute;
 * - above it a backlog grows as a fluid by λ − c·μ a second, and is worked off likewise afterwards (Newell, *Applications of
 *   Queueing Theory*, 1982); a message that meets a full queue is rejected. A server that becomes ready later has no backlog.
 *
 * Only the messages at each utilization and at each backlog are counted, so that a step costs next to nothing and quantiles
 * are those of the whole mixture.
 */
export class MessageMeter {
  readonly #settings: MessageModel
  /** The utilization up to which a server reaches its equilibrium. */
  readonly #settled: number
  /** Messages by utilization, of those who find no backlog. */
  readonly #calm = new Float64Array(UTILIZATIONS)
  /** Messages by the fluid delay of the backlog they find. */
  readonly #late = new Float64Array(DELAYS)
  #processed = 0
  #rejected = 0
  /** Messages that wait on each server that has any, and how many servers those are. */
  #backlog = 0
  #holders = 0

  /** @throws {ConcertinaError} INVALID_INPUT, naming the term. */
  constructor(settings: MessageModel) {
    const { concurrency, serviceTime, queueLimit, fullUtilization } = settings
    requireNumber('concurrency', concurrency, { min: 1, integer: true })
    requireNumber('serviceTime', serviceTime, { above: 0 })
    requireNumber('queueLimit', queueLimit, { min: 0, integer: true })
    requireNumber('fullUtilization', fullUtilization, { above: 0 })
    this.#settings = settings
    this.#settled = (1 - Math.min(0.5, Math.sqrt(serviceTime / (concurrency * SETTLING)))) ** 2
  }

  /** For `seconds` there are `load` users, in units of what a server holds, on `ready` servers. */
  add(load: number, ready: number, seconds: number): void {
    const { concurrency, serviceTime, fullUtilization, queueLimit } = this.#settings
    const rate = concurrency / serviceTime
    const utilization = (load / ready) * fullUtilization
    const sent = load * fullUtilization * rate * seconds
    const growth = (utilization - 1) * rate
    if (growth <= 0 && this.#backlog === 0) {
      this.#equilibrium(utilization, sent)
      return
    }
    const holders = growth > 0 ? ready : Math.min(ready, this.#holders || ready)
    if (holders > this.#holders && this.#backlog > 0) this.#backlog *= this.#holders / holders
    this.#holders = holders
    const before = this.#backlog
    const turn = growth > 0 ? (queueLimit - before) / growth : growth < 0 ? before / -growth : Infinity
    const share = seconds > 0 ? Math.min(1, turn / seconds) : 1
    const after = Math.max(0, Math.min(queueLimit, before + growth * seconds))
    const queued = (sent * holders) / ready
    this.#delayed(before, after, queued * share)
    const rest = queued * (1 - share)
    if (growth > 0) {
      this.#delayed(queueLimit, queueLimit, rest / utilization)
      this.#rejected += rest * (1 - 1 / utilization)
    } else this.#equilibrium(utilization, rest)
    this.#equilibrium(utilization, sent - queued)
    this.#backlog = after
    if (after === 0) this.#holders = 0
  }

  #equilibrium(utilization: number, messages: number): void {
    if (messages <= 0) return
    const at = Math.floor((utilization / this.#settled) * UTILIZATIONS)
    this.#calm[Math.min(UTILIZATIONS - 1, at)]! += messages
    this.#processed += messages
  }

  /** Messages that arrive evenly while a server's backlog goes from `before` to `after`. */
  #delayed(before: number, after: number, messages: number): void {
    if (messages <= 0) return
    const of = (backlog: number) =>
      Math.min(DELAYS - 1e-9, (backlog / (this.#settings.queueLimit || 1)) * DELAYS)
    const [low, high] = [of(Math.min(before, after)), of(Math.max(before, after))]
    for (let i = Math.floor(low); i <= high; i++) {
      const within = high > low ? (Math.min(high, i + 1) - Math.max(low, i)) / (high - low) : 1
      this.#late[i]! += messages * within
    }
    this.#processed += messages
  }

  /** The total; 0 where no message was sent. */
  result(): MessageLatency {
    const { concurrency, serviceTime, queueLimit } = this.#settings
    const all = this.#processed
    if (all === 0) return { meanMs: 0, p50Ms: 0, p95Ms: 0, p99Ms: 0, rejected: 0 }
    const groups: { share: number; delay: number; sojourn: Sojourn }[] = []
    const idle = new Sojourn(concurrency, 0)
    const full = new Sojourn(concurrency, this.#settled)
    for (const [i, messages] of this.#calm.entries()) {
      const utilization = ((i + 0.5) / UTILIZATIONS) * this.#settled
      if (messages > 0)
        groups.push({ share: messages / all, delay: 0, sojourn: new Sojourn(concurrency, utilization) })
    }
    for (const [i, messages] of this.#late.entries()) {
      const backlog = ((i + 0.5) / DELAYS) * queueLimit
      const delay = backlog / concurrency
      if (messages === 0) continue
      // A long backlog hides the wait that there is without one.
      const found = 1 + delay > full.mean ? { delay, sojourn: idle } : { delay: 0, sojourn: full }
      groups.push({ share: messages / all, ...found })
    }
    const exceeds = (t: number) =>
      groups.reduce((sum, { share, delay, sojourn }) => sum + share * sojourn.exceeds(t - delay), 0)
    const quantileMs = (q: number) => {
      let low = 0
      let high = 1
      while (exceeds(high) > 1 - q) high *= 2
      while (high - low > 1e-4 * high) {
        const middle = (low + high) / 2
        if (exceeds(middle) > 1 - q) low = middle
        else high = middle
      }
      return high * serviceTime * 1000
    }
    const mean = groups.reduce((sum, { share, delay, sojourn }) => sum + share * (delay + sojourn.mean), 0)
    return {
      meanMs: mean * serviceTime * 1000,
      p50Ms: quantileMs(0.5),
      p95Ms: quantileMs(0.95),
      p99Ms: quantileMs(0.99),
      rejected: this.#rejected / (all + this.#rejected),
    }
  }
}
