import { createHash, randomBytes } from 'node:crypto'
import { hash, mix } from '../base/rng.ts'
import { type Attributes, parseTraceparent, type Span, type SpanSink, type TraceContext } from './span.ts'

/** Which traces are kept. Plain data: it is sent to server processes. */
export interface Sampling {
  /** Share of the traces that begin here, 0 to 1. */
  readonly ratio: number
  /** Whether a request that names a trace is kept as its sender keeps it; otherwise by `ratio`, too. */
  readonly followParent: boolean
}

/** What makes a message one and the same wherever it is seen. */
export interface MessageKey {
  readonly room: string
  readonly user: string
  readonly id: string
}

interface Ended {
  readonly kind?: Span['kind']
  /** When it began, by `performance.now()`. */
  readonly began: number
  readonly attributes?: Attributes
  readonly error?: string | undefined
}

/** What `performance.now()` counts from; a clock that was set, or a machine that slept, moves it. */
let origin = performance.timeOrigin
const MAX_DRIFT_MS = 50

function epochMs(at: number): number {
  const drift = Date.now() - (origin + performance.now())
  if (Math.abs(drift) > MAX_DRIFT_MS) origin += drift
  return origin + at
}

/** A span that has begun. */
export class OpenSpan implements TraceContext {
  readonly traceId: string
  readonly spanId: string
  readonly sampled: boolean
  readonly parentId: string | undefined
  readonly #sink: SpanSink

  constructor(sink: SpanSink, { traceId, spanId, sampled }: TraceContext, parentId?: string) {
    this.#sink = sink
    this.traceId = traceId
    this.spanId = spanId
    this.sampled = sampled
    this.parentId = parentId
  }

  /** It ends now. Nothing comes of one that is not sampled. */
  end(name: string, { kind = 'internal', began, attributes = {}, error }: Ended): void {
    const { traceId, spanId, sampled, parentId } = this
    if (!sampled) return
    const startMs = epochMs(began)
    const endMs = epochMs(performance.now())
    this.#sink.add({ traceId, spanId, sampled, parentId, name, kind, startMs, endMs, attributes, error })
  }
}

/**
 * Makes spans. The trace of a message follows from its room, user and id: every process that sees the message adds to the same
 * trace, or to none, without a word between them.
 */
export class Tracer {
  readonly sampling: Sampling
  readonly sink: SpanSink

  constructor(sampling: Sampling, sink: SpanSink) {
    this.sampling = sampling
    this.sink = sink
  }

  /**
   * Begins a span of its own trace, or of the one that a request names.
   * @param traceparent the header of the request
   */
  begin(traceparent?: string | string[]): OpenSpan {
    const { ratio, followParent } = this.sampling
    const parent = parseTraceparent(traceparent)
    const sampled = parent && followParent ? parent.sampled : Math.random() < ratio
    return parent ? this.child({ ...parent, sampled }) : this.#root(sampled)
  }

  /** Begins a trace of something rare: it is kept whatever the ratio, unless that is 0. */
  beginRare(): OpenSpan {
    return this.#root(this.sampling.ratio > 0)
  }

  child({ traceId, spanId: parentId, sampled }: TraceContext): OpenSpan {
    return new OpenSpan(this.sink, { traceId, sampled, spanId: newSpanId() }, parentId)
  }

  #root(sampled: boolean): OpenSpan {
    return new OpenSpan(this.sink, { traceId: randomBytes(16).toString('hex'), sampled, spanId: newSpanId() })
  }

  /** The span of a whole message; `undefined` when it is not traced. */
  ofMessage({ room, user, id }: MessageKey): OpenSpan | undefined {
    const key = `${room}\n${user}\n${id}`
    if (mix(hash(key)) >= this.sampling.ratio * 2 ** 32) return undefined
    const digest = createHash('sha256').update(key).digest('hex')
    const context = { traceId: digest.slice(0, 32), spanId: digest.slice(32, 48), sampled: true }
    return new OpenSpan(this.sink, context)
  }

  /** Begins a part of a message's trace, which may not be kept: for requests that name it. */
  beginPart(message: MessageKey): OpenSpan {
    const whole = this.ofMessage(message)
    return whole ? this.child(whole) : this.#root(false)
  }

  /** A part of a message's trace, which ends now. */
  endPart(message: MessageKey, name: string, ended: Ended): void {
    const whole = this.ofMessage(message)
    if (whole) this.child(whole).end(name, ended)
  }
}

const newSpanId = () => randomBytes(8).toString('hex')
