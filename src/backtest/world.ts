import { requireNumber } from '../base/errors.ts'
import { type KeysOf, requireKnown } from '../base/known-keys.ts'
import type { Rng } from '../base/rng.ts'
import { type BusinessHours, businessSeconds } from './business-hours.ts'
import type { DrainSettings } from './draining.ts'

/** Servers on nodes that are started, too, where no node has a place left. */
interface NodeSettings {
  readonly serversPerNode: number
  /** From the launch of a node until servers can start on it, seconds. */
  readonly nodeDelay: number
  /** Seconds that a node is kept, and paid for, after its last server; 600, as the Cluster Autoscaler's. */
  readonly nodeIdle?: number
}

/** What servers cost an hour. */
export interface Prices {
  readonly onDemand: number
  /** What `onDemand` is instead in business hours, by the clock of the recording. */
  readonly businessHours?: BusinessHours & { readonly price: number }
  /** Servers that are paid for all the time, whether or not they run. */
  readonly reserved?: { readonly servers: number; readonly price: number }
  /** The share of those above the reserved that are spot servers, and how often one of them is interrupted, per day. */
  readonly spot?: { readonly share: number; readonly price: number; readonly interruptionsPerDay: number }
}

/** How the world differs from servers that start in a fixed time and figures that are there at once; nothing of it by default. */
export interface Surroundings extends Partial<DrainSettings> {
  /** What a start takes beyond the provisioning delay, mean seconds; exponential. */
  readonly startUpTail?: number
  readonly nodes?: NodeSettings
  /** Age of the load that a policy sees, seconds. It does not know. */
  readonly metricDelay?: number
  readonly prices?: Prices
}

export const SURROUNDINGS_KEYS: KeysOf<Surroundings> = {
  drainWindow: true,
  sessionDuration: true,
  startUpTail: true,
  nodes: true,
  metricDelay: true,
  prices: true,
}

/** Seconds from the notice, at which the replacement is launched, until a spot server is interrupted; as on AWS. */
export const SPOT_NOTICE = 120
/** The Cluster Autoscaler's `scale-down-unneeded-time`. */
const NODE_IDLE = 600

/** @throws {ConcertinaError} INVALID_INPUT, naming the option. */
export function checkSurroundings({ startUpTail, nodes, metricDelay, prices }: Surroundings): void {
  const atLeastZero = (where: string, value = 0) => requireNumber(where, value, { min: 0 })
  atLeastZero('startUpTail', startUpTail)
  atLeastZero('metricDelay', metricDelay)
  if (nodes) {
    requireKnown('nodes', nodes, { serversPerNode: true, nodeDelay: true, nodeIdle: true })
    requireNumber('serversPerNode', nodes.serversPerNode, { min: 1, integer: true })
    atLeastZero('nodeDelay', nodes.nodeDelay)
    atLeastZero('nodeIdle', nodes.nodeIdle)
  }
  if (!prices) return
  requireKnown('prices', prices, { onDemand: true, businessHours: true, reserved: true, spot: true })
  atLeastZero('price', prices.onDemand)
  if (prices.businessHours) {
    const { from, to, price } = prices.businessHours
    requireNumber('businessHours', from, { min: 0, max: 24 })
    requireNumber('businessHours', to, { min: from, max: 24 })
    atLeastZero('businessHours', price)
  }
  if (prices.reserved) {
    requireNumber('reserved', prices.reserved.servers, { min: 0, integer: true })
    atLeastZero('reserved', prices.reserved.price)
  }
  if (prices.spot) {
    requireNumber('spot', prices.spot.share, { min: 0, max: 1 })
    atLeastZero('spot', prices.spot.price)
    atLeastZero('interruptions', prices.spot.interruptionsPerDay)
  }
}

/** What `servers` cost per hour. */
function hourlyCost(servers: number, { onDemand, reserved, spot }: Prices): number {
  const above = Math.max(0, servers - (reserved?.servers ?? 0))
  const onSpot = above * (spot?.share ?? 0)
  return (
    (reserved ? reserved.servers * reserved.price : 0) +
    onSpot * (spot?.price ?? 0) +
    (above - onSpot) * onDemand
  )
}

/** Nodes as a stack: servers are packed onto the oldest, and those above end when they were empty for a while. */
class Nodes {
  readonly #perNode: number
  readonly #delay: number
  readonly #idle: number
  readonly #stack: { readonly readyAt: number; emptySince: number }[] = []

  constructor({ serversPerNode, nodeDelay, nodeIdle = NODE_IDLE }: NodeSettings, standing: number) {
    this.#perNode = serversPerNode
    this.#delay = nodeDelay
    this.#idle = nodeIdle
    this.occupy(standing, -nodeDelay)
  }

  /** Places that are paid for. */
  get places(): number {
    return this.#stack.length * this.#perNode
  }

  get nextEndAt(): number {
    return (this.#stack.at(-1)?.emptySince ?? Infinity) + this.#idle
  }

  /** The number of servers on them from `time` on. */
  occupy(servers: number, time: number): void {
    const needed = Math.ceil(servers / this.#perNode)
    while (this.#stack.length < needed)
      this.#stack.push({ readyAt: time + this.#delay, emptySince: Infinity })
    this.#stack.forEach((node, i) => {
      if (i < needed) node.emptySince = Infinity
      else if (node.emptySince === Infinity) node.emptySince = time
    })
  }

  /** When the n-th server can begin to start. */
  readyFor(server: number, time: number): number {
    this.occupy(server, time)
    return Math.max(time, this.#stack[Math.ceil(server / this.#perNode) - 1]!.readyAt)
  }

  advance(time: number): void {
    while (this.nextEndAt <= time + 1e-9) this.#stack.pop()
  }
}

/** How long starts take, on which nodes, and which spot servers are interrupted; the same for the same generator. */
export class Platform {
  readonly #delay: number
  readonly #tail: number
  readonly #prices: Prices | undefined
  readonly #nodes: Nodes | undefined
  /** Of time 0, in seconds since a Monday, 0:00. */
  readonly #weekTime: number
  readonly #starts: Rng
  readonly #interruptions: Rng
  /** Server-interruptions until the next. */
  #toNext: number
  #servers = 0
  #draining = 0
  /** What was paid for servers. */
  money = 0
  /** Seconds of servers, or of places on nodes, that were paid for. */
  serverSeconds = 0

  constructor(
    { startUpTail = 0, nodes, prices }: Surroundings,
    provisioningDelay: number,
    standing: number,
    rng: Rng,
    weekTime = 0,
  ) {
    this.#weekTime = weekTime
    this.#delay = provisioningDelay
    this.#tail = startUpTail
    this.#prices = prices
    this.#nodes = nodes && new Nodes(nodes, standing)
    this.#starts = rng.stream('starts')
    this.#interruptions = rng.stream('interruptions')
    this.#toNext = this.#interruptions.exponential(1)
  }

  /** When the n-th server is ready that is launched at `time`. */
  readyAt = (time: number, number: number): number => {
    const begins = this.#nodes?.readyFor(number + this.#draining, time) ?? time
    return begins + this.#delay + (this.#tail > 0 ? this.#starts.exponential(this.#tail) : 0)
  }

  get nextEndAt(): number {
    return this.#nodes?.nextEndAt ?? Infinity
  }

  /** How many servers start or are ready, and how many drain. */
  occupy(servers: number, draining: number, time: number): void {
    this.#servers = servers + draining
    this.#draining = draining
    this.#nodes?.occupy(this.#servers, time)
    this.#nodes?.advance(time)
  }

  /** Pays for what is occupied between two times. */
  pay(from: number, to: number): void {
    this.#pay(this.#nodes?.places ?? this.#servers, from, to)
  }

  #pay(paid: number, from: number, to: number): void {
    if (paid === 0) return
    this.serverSeconds += paid * (to - from)
    if (!this.#prices) return
    const { businessHours } = this.#prices
    const [begin, end] = [this.#weekTime + from, this.#weekTime + to]
    const business = businessHours ? businessSeconds(businessHours, begin, end) : 0
    this.money += (hourlyCost(paid, this.#prices) * (to - from - business)) / 3600
    if (businessHours)
      this.money += (hourlyCost(paid, { ...this.#prices, onDemand: businessHours.price }) * business) / 3600
  }

  /** How many of the ready servers are interrupted in the coming seconds. */
  interruptions(ready: number, time: number, seconds: number): number {
    const { reserved, spot } = this.#prices ?? {}
    if (!spot) return 0
    const onSpot = spot.share * Math.max(0, ready - (reserved?.servers ?? 0))
    let expected = (onSpot * spot.interruptionsPerDay * seconds) / 86_400
    let count = 0
    while (expected >= this.#toNext) {
      expected -= this.#toNext
      this.#toNext = this.#interruptions.exponential(1)
      count++
    }
    this.#toNext -= expected
    const taken = Math.min(count, ready)
    this.#pay(taken, time, time + SPOT_NOTICE)
    return taken
  }
}
