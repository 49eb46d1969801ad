import type { Span, SpanSink } from './span.ts'

/** Spans between two reports of a server process; more are dropped. */
const MAX_SPANS = 1000

/** Keeps the spans of a process until it reports them to the one that sends them. */
export class SpanBuffer implements SpanSink {
  #spans: Span[] = []
  #dropped = 0

  add(span: Span): void {
    if (this.#spans.length < MAX_SPANS) this.#spans.push(span)
    else this.#dropped++
  }

  drop(count: number): void {
    this.#dropped += count
  }

  /** What came since this was last asked; `undefined` when nothing did. */
  drain(): { spans: Span[]; dropped: number } | undefined {
    if (this.#spans.length + this.#dropped === 0) return undefined
    const taken = { spans: this.#spans, dropped: this.#dropped }
    this.#spans = []
    this.#dropped = 0
    return taken
  }
}
