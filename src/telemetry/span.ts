/** Names a span, and says whether its trace is kept. */
export interface TraceContext {
  /** 32 hexadecimal digits. */
  readonly traceId: string
  /** 16 hexadecimal digits. */
  readonly spanId: string
  readonly sampled: boolean
}

/** What happened between two moments, as a part of a trace. */
export interface Span extends TraceContext {
  readonly parentId?: string | undefined
  readonly name: string
  /** `server` answers a request of another program, `client` makes one. */
  readonly kind: 'internal' | 'server' | 'client'
  /** Milliseconds since 1970, with fractions. */
  readonly startMs: number
  readonly endMs: number
  /** Those that are undefined are left out. */
  readonly attributes: Attributes
  /** Why it failed. */
  readonly error?: string | undefined
}

export type Attributes = Readonly<Record<string, string | number | boolean | undefined>>

/** Takes spans that have ended, and never makes anyone wait. */
export interface SpanSink {
  add(span: Span): void
  /** So many spans were lost on the way here. */
  drop(count: number): void
}

/** The header `traceparent` of W3C Trace Context. */
export function traceparentOf({ traceId, spanId, sampled }: TraceContext): string {
  return `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`
}

const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:$|-)/

/** What a `traceparent` names; `undefined` for one that is none. */
export function parseTraceparent(header: string | string[] | undefined): TraceContext | undefined {
  const [, traceId, spanId, flags] = (typeof header === 'string' && TRACEPARENT.exec(header)) || []
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 }
}
