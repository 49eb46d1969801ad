import { randomUUID } from 'node:crypto'
import type { Msg } from '@nats-io/transport-node'
import type { ApiError, Nats } from './connection.ts'

/** What became of a publish that expected the subject's last sequence. */
export type PublishResult =
  | { kind: 'stored'; sequence: number }
  /** The subject's last record is another one, or another publish to it is in flight. */
  | { kind: 'conflict' }
  /** No answer, or one that does not say: it may be stored or not, or be stored yet. */
  | { kind: 'unsure'; why: string }

interface Publish {
  readonly subject: string
  readonly data: Uint8Array
  readonly expected: number
  resolve(result: PublishResult): void
}

interface Waiting {
  readonly since: number
  resolve(answer: Msg | undefined): void
}

interface PubAck extends ApiError {
  readonly seq: number
  readonly batch?: string
  readonly count?: number
}

/** "Wrong last sequence", and the same without a number while another publish of the subject is in flight. */
const CONFLICTS = [10071, 10164]
const EXPECTED = 'Nats-Expected-Last-Subject-Sequence'
const SWEEP_MS = 200
/** Publishes of one atomic batch, and batches in flight at once: a stream takes 50 from all its servers. */
const BATCH_PUBLISHES = 100
const MAX_BATCHES = 4

/**
 * Publishes to a stream with an expected last sequence of the subject. What comes in one turn for several subjects goes out
 * as one atomic batch: one answer for up to a hundred rooms. A batch that is rejected is published one by one.
 */
export class Publisher {
  readonly #nats: Nats
  readonly #timeoutMs: number
  readonly #inbox: string
  readonly #waiting = new Map<string, Waiting>()
  readonly #sweep: NodeJS.Timeout
  #queue: Publish[] = []
  #scheduled = false
  #batches = 0
  #token = 0
  readonly counts = { publishes: 0, batches: 0, rejectedBatches: 0, conflicts: 0, unsure: 0 }

  constructor(nats: Nats, timeoutMs: number) {
    this.#nats = nats
    this.#timeoutMs = timeoutMs
    this.#inbox = nats.inbox()
    nats.connection.subscribe(`${this.#inbox}.*`, {
      callback: (error, message) => {
        if (error) return
        const token = message.subject.slice(this.#inbox.length + 1)
        const waiting = this.#waiting.get(token)
        this.#waiting.delete(token)
        waiting?.resolve(message)
      },
    })
    this.#sweep = setInterval(() => this.#expire(), SWEEP_MS)
  }

  /**
   * One publish for a subject may be in flight at a time; the caller ensures it.
   * @param alone not in a batch, since it may well be rejected
   */
  publish(subject: string, data: Uint8Array, expected: number, alone: boolean): Promise<PublishResult> {
    return new Promise((resolve) => {
      const publish = { subject, data, expected, resolve }
      if (alone) {
        this.#single(publish)
        return
      }
      this.#queue.push(publish)
      this.#schedule()
    })
  }

  /** Gives up all answers that are out: a stream has another leader now, and the old one will not answer. */
  forget(): void {
    const waiting = [...this.#waiting.values()]
    this.#waiting.clear()
    for (const { resolve: settle } of waiting) settle(undefined)
  }

  close(): void {
    clearInterval(this.#sweep)
    this.forget()
  }

  #schedule(): void {
    if (this.#scheduled || this.#batches >= MAX_BATCHES) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      while (this.#queue.length > 0 && this.#batches < MAX_BATCHES) {
        const next = this.#queue.splice(0, BATCH_PUBLISHES)
        if (next.length === 1) this.#single(next[0]!)
        else this.#batch(next)
      }
    })
  }

  #single(publish: Publish): void {
    this.counts.publishes++
    const { subject, data, expected, resolve } = publish
    const headers = this.#nats.headers()
    headers.set(EXPECTED, String(expected))
    this.#send(subject, data, headers, (answer) => resolve(this.#result(answer)))
  }

  #batch(publishes: readonly Publish[]): void {
    this.#batches++
    this.counts.batches++
    const id = randomUUID()
    const last = publishes.length - 1
    const settle = (answer: Msg | undefined) => {
      this.#batches--
      this.#schedule()
      const ack = read(answer)
      if (ack && !ack.error && ack.batch === id && ack.count === publishes.length) {
        const first = ack.seq - last
        for (const [i, { resolve }] of publishes.entries()) resolve({ kind: 'stored', sequence: first + i })
      } else if (ack?.error) {
        // All or nothing: nothing was stored. Which one did not fit is found out one by one.
        this.counts.rejectedBatches++
        for (const publish of publishes) this.#single(publish)
      } else {
        const why = unsure(answer)
        this.counts.unsure += publishes.length
        for (const { resolve } of publishes) resolve({ kind: 'unsure', why })
      }
    }
    for (const [i, { subject, data, expected }] of publishes.entries()) {
      this.counts.publishes++
      const headers = this.#nats.headers()
      headers.set('Nats-Batch-Id', id)
      headers.set('Nats-Batch-Sequence', String(i + 1))
      headers.set(EXPECTED, String(expected))
      if (i < last) {
        this.#nats.connection.publish(subject, data, { headers })
      } else {
        headers.set('Nats-Batch-Commit', '1')
        this.#send(subject, data, headers, settle)
      }
    }
  }

  #send(
    subject: string,
    data: Uint8Array,
    headers: ReturnType<Nats['headers']>,
    settle: Waiting['resolve'],
  ): void {
    const token = (++this.#token).toString(36)
    this.#waiting.set(token, { since: performance.now(), resolve: settle })
    try {
      this.#nats.connection.publish(subject, data, { headers, reply: `${this.#inbox}.${token}` })
    } catch {
      this.#waiting.delete(token)
      settle(undefined)
    }
  }

  #result(answer: Msg | undefined): PublishResult {
    const ack = read(answer)
    if (ack && !ack.error) return { kind: 'stored', sequence: ack.seq }
    if (ack?.error && CONFLICTS.includes(ack.error.err_code ?? 0)) {
      this.counts.conflicts++
      return { kind: 'conflict' }
    }
    this.counts.unsure++
    return { kind: 'unsure', why: ack?.error?.description ?? unsure(answer) }
  }

  #expire(): void {
    const oldest = performance.now() - this.#timeoutMs
    for (const [token, waiting] of this.#waiting) {
      if (waiting.since > oldest) return
      this.#waiting.delete(token)
      waiting.resolve(undefined)
    }
  }
}

function read(answer: Msg | undefined): PubAck | undefined {
  if (!answer || answer.data.length === 0) return undefined
  try {
    return answer.json<PubAck>()
  } catch {
    return undefined
  }
}

function unsure(answer: Msg | undefined): string {
  if (answer?.headers?.code === 503) return 'no server leads the stream now'
  return 'the broker did not answer'
}
