import { Histogram } from '../base/histogram.ts'
import { ChatClient, type ConnectionStatus } from '../client/node.ts'
import { recentLatency, type UsersSample } from '../metrics/metrics-collector.ts'
import { type OperatorContext, SinkFunction } from '../pipeline/functions.ts'
import type { TrafficItem } from '../pipeline/items.ts'
import type { HistoryListener } from '../verify/events.ts'

export interface VirtualUsersOptions {
  /** Address of the chat. */
  url: string
  /** A token for a user of that name; without it the users are anonymous. */
  token?: (user: string) => Promise<string>
  /** Called with what each user did and saw. */
  onEvent: HistoryListener
  /** Called with when a connection broke and when the next one was open, milliseconds as of `performance.now`. */
  onOutage?: (from: number, to: number) => void
  /** Distinguishes these users from those of other runs on the same chat. */
  name: string
}

/** Reasons of rejections that are counted apart. */
const MOST_REASONS = 100
/** Seconds for the last messages to arrive. */
const SETTLE_SECONDS = 10

interface VirtualUser {
  readonly session: number
  readonly room: string
  readonly client: ChatClient
  /** Until the chat has named the user: when messages of it were due, milliseconds. */
  early: number[] | undefined
  /** Messages that are not acknowledged yet. */
  readonly pending: Set<Promise<unknown>>
  sent: number
  /** When its last connection was lost, while there is no other, milliseconds. */
  cutAt: number | undefined
}

const text = 'The quick brown fox jumps over the lazy dog, and the band plays on until late at night.'

/** Real WebSocket clients that come, talk and go as the traffic says, and report all they see. */
export class VirtualUsers extends SinkFunction<TrafficItem> {
  readonly #options: VirtualUsersOptions
  readonly #users = new Map<number, VirtualUser>()
  /** Highest acknowledged place of each room. */
  readonly #heads = new Map<string, number>()
  readonly #waiting = new Set<Promise<unknown>>()
  #context!: OperatorContext
  #sessions = 0
  /** Seconds from sending to the acknowledgement, and from losing a connection to having another. */
  readonly latency = new Histogram()
  #recent = new Histogram()
  readonly outages = new Histogram()
  readonly counts = {
    users: 0,
    joined: 0,
    sent: 0,
    acked: 0,
    failed: 0,
    delivered: 0,
    moved: 0,
    reconnected: 0,
  }
  /** What was rejected and why, and how often. */
  readonly rejections = new Map<string, number>()

  constructor(options: VirtualUsersOptions) {
    super()
    this.#options = options
  }

  override open(context: OperatorContext): void {
    this.#context = context
  }

  execute(item: TrafficItem): void {
    if (item.kind === 'join') this.#join(item.user, `${this.#options.name}-room-${item.room}`)
    else if (item.kind === 'leave') this.#leave(item.user)
    else if (item.kind === 'message') this.#talk(item.user)
  }

  /** What they met until now; the latency since the last call. */
  sample(): UsersSample {
    const latency = recentLatency(this.#recent)
    if (latency) this.#recent = new Histogram()
    return { rejected: this.counts.failed, moved: this.counts.moved, ...(latency && { latency }) }
  }

  /** Users who are here now. */
  get size(): number {
    return this.#users.size
  }

  #join(number: number, room: string): void {
    const session = ++this.#sessions
    const { url, token, onEvent, name } = this.#options
    const user = `${name}-${session}`
    const rng = this.#context.rng.stream(`reconnect ${session}`)
    const client = new ChatClient({
      url,
      random: () => rng.next(),
      ...(token ? { token: () => token(user) } : { user }),
    })
    this.counts.users++
    const one: VirtualUser = {
      session,
      room,
      client,
      early: [],
      pending: new Set(),
      sent: 0,
      cutAt: undefined,
    }
    client.on('resumed', ({ cursor }) => onEvent({ type: 'resumed', session, ...cursor }))
    client.on('message', ({ seq, prevSeq, user: from, id }) => {
      this.counts.delivered++
      onEvent({ type: 'message', session, seq, prevSeq, user: from, id, at: performance.now() })
    })
    client.on('gap', ({ from, to }) => onEvent({ type: 'gap', session, from, to }))
    client.on('status', (status) => this.#onStatus(one, status))
    client.join(room).then(
      () => {
        this.counts.joined++
      },
      (error: Error) => {
        if (this.#users.get(number) === one) this.#rejected('join', error)
      },
    )
    this.#users.set(number, one)
  }

  #rejected(what: string, { name, message, code }: Error & { code?: string }): void {
    const why = `${what}: ${code === undefined || message.includes(code) ? '' : `${code}, `}${message || name}`
    if (this.rejections.has(why) || this.rejections.size < MOST_REASONS)
      this.rejections.set(why, (this.rejections.get(why) ?? 0) + 1)
  }

  #onStatus(user: VirtualUser, { state, reason }: ConnectionStatus): void {
    const { early, session, room, client } = user
    if (early && (state === 'waiting' || state === 'closed'))
      this.#rejected('connection', new Error(reason || 'closed without a reason'))
    if (early && state === 'open') {
      user.early = undefined
      this.#options.onEvent({ type: 'join', session, user: client.user!, room })
      for (const due of early) this.#send(user, due)
    }
    if (state === 'moved') this.counts.moved++
    if (state === 'waiting') user.cutAt ??= performance.now()
    if (state !== 'open' || user.cutAt === undefined) return
    this.counts.reconnected++
    this.outages.record((performance.now() - user.cutAt) / 1000)
    this.#options.onOutage?.(user.cutAt, performance.now())
    user.cutAt = undefined
  }

  #leave(number: number): void {
    const user = this.#users.get(number)
    if (!user) return
    this.#users.delete(number)
    void this.#goodbye(user)
  }

  /** Goes when what it sent is acknowledged, or after a while. */
  async #goodbye({ session, client, pending, early }: VirtualUser): Promise<void> {
    if (early) {
      this.counts.failed += early.length
      client.close()
      return
    }
    const patience = new Promise((resolve) => setTimeout(resolve, SETTLE_SECONDS * 1000).unref())
    await Promise.race([Promise.allSettled(pending), patience])
    this.#options.onEvent({ type: 'leave', session })
    client.close()
  }

  #talk(number: number): void {
    const user = this.#users.get(number)
    if (!user) return
    this.counts.sent++
    if (user.early) user.early.push(performance.now())
    else this.#send(user, performance.now())
  }

  /** @param began when the message was due */
  #send(user: VirtualUser, began: number): void {
    const { session, room, client } = user
    const { onEvent } = this.#options
    const id = `${session}-${++user.sent}`
    onEvent({ type: 'send', session, id, at: began })
    const sending = client
      .send(room, `${text} ${id}`, id)
      .then(
        ({ seq }) => {
          this.counts.acked++
          const seconds = (performance.now() - began) / 1000
          this.latency.record(seconds)
          this.#recent.record(seconds)
          this.#heads.set(room, Math.max(seq, this.#heads.get(room) ?? 0))
          onEvent({ type: 'ack', session, id, seq, at: performance.now() })
        },
        (error: Error) => {
          this.counts.failed++
          this.#rejected('message', error)
          onEvent({ type: 'unacked', session, id })
        },
      )
      .finally(() => {
        this.#waiting.delete(sending)
        user.pending.delete(sending)
      })
    this.#waiting.add(sending)
    user.pending.add(sending)
  }

  /** Waits until everything that was sent has arrived everywhere, or for at most ten seconds. */
  async waitForDeliveries(): Promise<void> {
    const until = performance.now() + SETTLE_SECONDS * 1000
    const pause = () => new Promise((resolve) => setTimeout(resolve, 20))
    const behind = () =>
      [...this.#users.values()].some(
        ({ client, room }) => (client.cursor(room)?.seq ?? 0) < (this.#heads.get(room) ?? 0),
      )
    while (performance.now() < until && (this.#waiting.size > 0 || behind())) await pause()
    this.#options.onEvent({ type: 'end' })
  }

  /** The users stay when the traffic has ended, until everything has arrived: see `settle` and `end`. */
  result(): object {
    return {}
  }

  /** All users go, at once. */
  end(): void {
    const users = [...this.#users.values()]
    this.#users.clear()
    for (const { client, early } of users) {
      this.counts.failed += early?.length ?? 0
      client.close()
    }
  }
}
