import type { Cluster, Redis } from 'ioredis'
import type { Address } from './addresses.ts'
import type { ChannelClient } from './channels.ts'

interface Channel {
  readonly slot: number
  /** The connection on which it is in force. */
  at?: Redis
}

/** How often it is looked whether each channel is where it belongs. */
const CHECK_MS = 1000

/**
 * Sharded channels of a Redis Cluster: each is subscribed to at the master of its hash slot, and follows it when the slot moves or
 * the master is replaced.
 */
export class ShardedChannels implements ChannelClient {
  readonly #cluster: Cluster
  readonly #connect: (address: Address) => Redis
  readonly #slotOf: (channel: string) => number
  readonly #onMessage: (channel: string, text: string) => void
  /** Connections for subscriptions, by address. */
  readonly #masters = new Map<string, Redis>()
  readonly #channels = new Map<string, Channel>()
  readonly #timer: NodeJS.Timeout
  /** Times that a server gave up channels: what was granted before may not be in force. */
  #moves = 0
  #checking = false
  /** Called when channels that were lost are in force again. */
  onResubscribed: () => void = () => {}

  /** @param connect opens a connection that ends when it is lost */
  constructor(
    cluster: Cluster,
    connect: (address: Address) => Redis,
    slotOf: (channel: string) => number,
    onMessage: (channel: string, text: string) => void,
  ) {
    this.#cluster = cluster
    this.#connect = connect
    this.#slotOf = slotOf
    this.#onMessage = onMessage
    this.#timer = setInterval(() => void this.#check(), CHECK_MS)
    cluster.on('refresh', () => void this.#check())
  }

  async subscribe(name: string): Promise<void> {
    const channel = this.#channels.get(name) ?? { slot: this.#slotOf(name) }
    this.#channels.set(name, channel)
    await this.#place(name, channel)
  }

  async unsubscribe(name: string): Promise<void> {
    const at = this.#channels.get(name)?.at
    this.#channels.delete(name)
    await at?.sunsubscribe(name)
  }

  close(): void {
    clearInterval(this.#timer)
    this.#channels.clear()
    for (const master of this.#masters.values()) master.disconnect()
  }

  async #place(name: string, channel: Channel): Promise<void> {
    const master = this.#masterOf(channel)
    const moves = this.#moves
    await master.ssubscribe(name)
    if (!this.#channels.has(name)) await master.sunsubscribe(name)
    else if (moves !== this.#moves) throw new Error('the channel has moved meanwhile')
    else channel.at = master
  }

  #masterOf({ slot }: Channel): Redis {
    const key = this.#cluster.slots[slot]?.[0]
    if (key === undefined) throw new Error(`no master serves the hash slot ${slot}`)
    const known = this.#masters.get(key)
    if (known) return known
    const colon = key.lastIndexOf(':')
    const master = this.#connect({ host: key.slice(0, colon), port: Number(key.slice(colon + 1)) })
    this.#masters.set(key, master)
    master.on('error', () => {})
    master.on('smessage', this.#onMessage)
    // The server gave up channels whose slot has moved, and does not say which.
    master.on('moved', () => {
      this.#moves++
      for (const channel of this.#channels.values()) if (channel.at === master) delete channel.at
    })
    master.on('end', () => {
      if (this.#masters.get(key) === master) this.#masters.delete(key)
    })
    return master
  }

  #isInForce({ slot, at }: Channel): boolean {
    return at !== undefined && at === this.#masters.get(this.#cluster.slots[slot]?.[0] ?? '')
  }

  async #check(): Promise<void> {
    if (this.#checking) return
    this.#checking = true
    const owners = new Set(this.#cluster.slots.map((nodes) => nodes[0]))
    for (const [key, master] of this.#masters) if (!owners.has(key)) master.disconnect()
    const astray = [...this.#channels].filter(([, channel]) => !this.#isInForce(channel))
    const placed = await Promise.allSettled(astray.map(([name, channel]) => this.#place(name, channel)))
    this.#checking = false
    if (placed.some(({ status }) => status === 'fulfilled')) this.onResubscribed()
  }
}
