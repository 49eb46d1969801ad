import { setTimeout as sleep } from 'node:timers/promises'
import { deliver } from '../deliver.ts'

/** What a subscribing client does with one channel. */
export interface ChannelClient {
  subscribe(channel: string): Promise<unknown>
  unsubscribe(channel: string): Promise<unknown>
}

export interface ChannelSubscription {
  /** Resolves when what is published from now on arrives. */
  readonly inForce: Promise<void>
  stop(): void
}

interface Channel {
  readonly listeners: Set<(text: string) => void>
  readonly inForce: Promise<void>
}

const RETRY_MS = 200

/** The channels that a process listens to: each is subscribed to once, and asked for until it is granted. */
export class Channels {
  readonly #client: ChannelClient
  readonly #channels = new Map<string, Channel>()

  constructor(client: ChannelClient) {
    this.#client = client
  }

  listen(name: string, listener: (text: string) => void): ChannelSubscription {
    const channel = this.#channels.get(name) ?? this.#open(name)
    channel.listeners.add(listener)
    return {
      inForce: channel.inForce,
      stop: () => {
        if (!channel.listeners.delete(listener) || channel.listeners.size > 0) return
        this.#channels.delete(name)
        void this.#client.unsubscribe(name).catch(() => {})
      },
    }
  }

  #open(name: string): Channel {
    const listeners = new Set<(text: string) => void>()
    const channel = { listeners, inForce: this.#subscribe(name, listeners) }
    this.#channels.set(name, channel)
    return channel
  }

  /** Subscribes, repeatedly while there are listeners: a server may be away just now. */
  async #subscribe(name: string, listeners: ReadonlySet<unknown>): Promise<void> {
    do {
      try {
        await this.#client.subscribe(name)
        return
      } catch {
        await sleep(RETRY_MS)
      }
    } while (listeners.size > 0)
  }

  deliver(name: string, text: string): void {
    for (const listener of this.#channels.get(name)?.listeners ?? []) deliver(listener, name, text)
  }

  /** Stops asking. */
  close(): void {
    for (const { listeners } of this.#channels.values()) listeners.clear()
    this.#channels.clear()
  }
}
