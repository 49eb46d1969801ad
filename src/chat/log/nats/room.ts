import { setTimeout as sleep } from 'node:timers/promises'
import { type Append, type Appended, LogUnavailable } from '../room-log.ts'
import type { Nats } from './connection.ts'
import { KnownIds } from './known-ids.ts'
import type { Publisher } from './publisher.ts'
import { READ_BATCH, readBatch, readBefore, readFromLeader, readUntil } from './reads.ts'
import { lastPlace, RECORD_MESSAGES, type RoomRecord, type StoredRecord } from './record.ts'
import { RoomFeed } from './room-feed.ts'
import { streamState } from './stream.ts'

/** What the rooms of one log share. */
export interface RoomContext {
  readonly nats: Nats
  readonly publisher: Publisher
  readonly ids: KnownIds
  /** Seconds within which a message sent again is recognized by a process that did not see the first one. */
  readonly windowSeconds: number
  readonly giveUpSeconds: number
}

interface WaitingAppend {
  /** None for a question for the room's end. */
  readonly message: Append | undefined
  readonly key: string
  readonly since: number
  resolve(appended: Appended): void
  reject(error: Error): void
}

/** Records that a room remembers the sequences of, and that each record points back over. */
const RECENT_RECORDS = 64
const RECORD_BYTES = 256 * 1024
const RETRY_MS = 50
/** How long another's record may take to arrive before the leader is asked for it. */
const ARRIVAL_MS = 50
/** How long a room that several processes write to at once is published on its own, so that it fails no batch. */
const CONTENDED_MS = 1000

/**
 * One room as this process knows it. Writing: at most one publish is in flight, with all that waits, on condition that the
 * room's last record is the one known here. When it is not, or when the answer is lost, the stream's leader is asked what came since:
 * what is found in it is acknowledged, the rest is published again. So any number of processes may write the same room.
 */
export class NatsRoom {
  readonly name: string
  readonly subject: string
  readonly stream: string
  /** Sequence of the last record known here, and the place of its last message. */
  sequence = 0
  place = 0
  /** Sequence and first place of the last records known here. */
  recent: [sequence: number, place: number][] = []
  unsubscribe: (() => void) | undefined
  /** Passes what is stored to the room's subscriber. */
  readonly feed: RoomFeed
  /** When it was last used, for `performance.now()`. */
  usedAt = performance.now()
  readonly #context: RoomContext
  #loadedAt: number | undefined
  #waiting: WaitingAppend[] = []
  #busy = false
  #contendedUntil = 0
  #onLearned: (() => void) | undefined
  /** Times that the room's end was asked for. */
  #questions = 0

  constructor(name: string, subject: string, stream: string, context: RoomContext) {
    this.name = name
    this.subject = subject
    this.stream = stream
    this.#context = context
    this.feed = new RoomFeed(this, context.nats)
  }

  get idle(): boolean {
    return !this.#busy && !this.feed.open
  }

  get waiting(): number {
    return this.#waiting.length
  }

  /** Whether all that is stored is known here: subscribed, and nothing missing. */
  get current(): boolean {
    return this.loaded && this.feed.complete
  }

  /** Whether its end was learned once. */
  get loaded(): boolean {
    return this.#loadedAt !== undefined
  }

  append(message: Append): Promise<Appended> {
    this.usedAt = performance.now()
    const key = KnownIds.key(message)
    const known = this.#context.ids.get(key)
    if (known !== undefined) return Promise.resolve({ seq: known, duplicate: true })
    return this.#enqueue(message, key)
  }

  /**
   * Learns the room's end as a majority of the nodes has it, by storing a record without messages after it. A leader that was cut
   * off from the others answers reads with what it knew, but stores nothing.
   */
  async confirmEnd(): Promise<void> {
    await this.#enqueue(undefined, `end ${this.#questions++}`)
  }

  #enqueue(message: Append | undefined, key: string): Promise<Appended> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ message, key, since: performance.now(), resolve, reject })
      if (!this.#busy) void this.#flush()
    })
  }

  async #flush(): Promise<void> {
    this.#busy = true
    while (this.#waiting.length > 0) {
      try {
        if (this.#loadedAt === undefined) await this.load()
        const batch = this.#nextBatch()
        if (batch.length > 0) await this.#publish(batch)
      } catch (error) {
        this.#giveUp(error as Error)
        await sleep(RETRY_MS)
      }
    }
    this.#busy = false
  }

  /** What goes into the next record; what is known already is acknowledged. */
  #nextBatch(): WaitingAppend[] {
    const { ids } = this.#context
    const batch: WaitingAppend[] = []
    const keys = new Set<string>()
    const again: WaitingAppend[] = []
    let bytes = 0
    let count = 0
    for (const pending of this.#waiting) {
      if (batch.length >= RECORD_MESSAGES || bytes > RECORD_BYTES) break
      count++
      const known = ids.get(pending.key)
      if (known !== undefined) {
        pending.resolve({ seq: known, duplicate: true })
      } else if (keys.has(pending.key)) {
        again.push(pending)
      } else {
        keys.add(pending.key)
        batch.push(pending)
        bytes += pending.message?.body.length ?? 0
      }
    }
    this.#waiting = [...again, ...this.#waiting.slice(count)]
    return batch
  }

  async #publish(batch: readonly WaitingAppend[]): Promise<void> {
    const expected = this.sequence
    const messages = batch.flatMap(({ message }) => message ?? [])
    const record: RoomRecord = {
      n: this.place + 1,
      t: Date.now(),
      b: this.recent.length < RECENT_RECORDS ? 0 : this.recent[0]![0],
      m: messages.map(({ user, id, body, extras }) => (extras ? [user, id, body, extras] : [user, id, body])),
    }
    const data = Buffer.from(JSON.stringify(record))
    const alone = performance.now() < this.#contendedUntil
    const result = await this.#context.publisher.publish(this.subject, data, expected, alone)
    if (result.kind === 'stored') {
      this.learn({ sequence: result.sequence, record })
      let seq = record.n
      for (const { message, resolve } of batch)
        resolve({ seq: message ? seq++ : record.n - 1, duplicate: false })
      return
    }
    // What of it is stored, if anything, is found among what came since.
    this.#waiting = [...batch, ...this.#waiting]
    if (result.kind === 'unsure') {
      await sleep(RETRY_MS)
      await this.catchUp()
      this.#acknowledgeFound(batch)
      this.#giveUp(new Error(result.why))
    } else {
      this.#contendedUntil = performance.now() + CONTENDED_MS
      await this.#untilLearned(expected)
      if (this.sequence === expected) await this.catchUp()
    }
    this.#acknowledgeFound(batch)
  }

  /** Another process was faster: what it wrote is about to arrive where the room is subscribed. */
  #untilLearned(expected: number): Promise<void> {
    if (this.sequence !== expected || !this.current) return Promise.resolve()
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ARRIVAL_MS)
      this.#onLearned = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  /** Acknowledges what turned out to be stored by the publish that was not answered. */
  #acknowledgeFound(batch: readonly WaitingAppend[]): void {
    const { ids } = this.#context
    const found = new Set<WaitingAppend>()
    for (const pending of batch) {
      const seq = ids.get(pending.key)
      if (seq === undefined) continue
      found.add(pending)
      pending.resolve({ seq, duplicate: false })
    }
    if (found.size > 0) this.#waiting = this.#waiting.filter((pending) => !found.has(pending))
  }

  /** Rejects what has waited too long. */
  #giveUp(error: Error): void {
    const oldest = performance.now() - this.#context.giveUpSeconds * 1000
    if (!this.#waiting.some(({ since }) => since < oldest)) return
    for (const pending of this.#waiting)
      if (pending.since < oldest) pending.reject(new LogUnavailable(error.message))
    this.#waiting = this.#waiting.filter(({ since }) => since >= oldest)
  }

  /** Rejects all that waits, for good. */
  fail(error: Error): void {
    for (const pending of this.#waiting.splice(0)) pending.reject(error)
  }

  /** Remembers a record that follows the last known one. */
  learn({ sequence, record }: StoredRecord): void {
    if (sequence <= this.sequence) return
    for (const [i, [user, id]] of record.m.entries())
      this.#context.ids.set(KnownIds.key({ room: this.name, user, id }), record.n + i)
    this.sequence = sequence
    this.place = lastPlace(record)
    this.recent.push([sequence, record.n])
    if (this.recent.length > RECENT_RECORDS) this.recent.shift()
    this.#onLearned?.()
    this.#onLearned = undefined
  }

  /** Learns the end of the room from the stream's leader, with the ids of the window before it. */
  async load(): Promise<void> {
    const { nats, windowSeconds } = this.#context
    const last = await readFromLeader(nats, this.stream, { last_by_subj: this.subject })
    if (!last) {
      await this.#empty()
    } else if (last.sequence > this.sequence) {
      const from = Date.now() - windowSeconds * 1000
      let records = await readBefore(nats, this, last)
      const [oldest] = records
      if (oldest && oldest.record.b > 0 && oldest.record.t > from) {
        records = await readBatch(nats, this.stream, {
          subject: this.subject,
          from: { time: from },
          count: READ_BATCH,
        })
      }
      for (const stored of records) this.learn(stored)
      await this.#forward(last)
    }
    this.#loadedAt = performance.now()
  }

  /** The room has no record: it is new, or all of it was dropped. Places never come again. */
  async #empty(): Promise<void> {
    const { dropped, lastSequence } = await streamState(this.#context.nats, this.stream)
    if (dropped) this.place = Math.max(this.place, lastSequence * RECORD_MESSAGES)
    this.sequence = 0
  }

  /** Learns what came since the last known record. */
  async catchUp(): Promise<void> {
    const known = (performance.now() - (this.#loadedAt ?? -Infinity)) / 1000 < this.#context.windowSeconds
    if (this.sequence === 0 || !known) {
      await this.load()
      return
    }
    const last = await readFromLeader(this.#context.nats, this.stream, { last_by_subj: this.subject })
    if (last) await this.#forward(last)
    else await this.#empty()
    this.#loadedAt = performance.now()
  }

  async #forward(last: StoredRecord): Promise<void> {
    await readUntil(this.#context.nats, this, { after: this.sequence, last }, (stored) => this.learn(stored))
    this.learn(last)
  }

  /** A record that was stored just now; `before` is the room's record before it. */
  onLive(stored: StoredRecord, before: number): void {
    if (this.#loadedAt !== undefined && before <= this.sequence) this.learn(stored)
    this.feed.onLive(stored, before)
  }
}
