import { setTimeout as sleep } from 'node:timers/promises'
import { rootMessage } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import { timeoutSignal } from '../base/timeout-signal.ts'
import { readMetricsText } from './metrics-text.ts'
import { metricsBody, tracesBody } from './otlp.ts'
import type { TelemetrySettings } from './settings.ts'
import type { Span, SpanSink } from './span.ts'

/** Spans that wait for the receiver; more are dropped. */
const MAX_WAITING = 4096
/** Spans of one request. */
const BATCH = 512
const SPANS_MS = 2000
const TIMEOUT_MS = 10_000
/** Milliseconds that the end of the process waits for the receiver. */
const CLOSE_MS = 2000
/** Answers after which the same is sent again later. */
const AGAIN = new Set([429, 502, 503, 504])

type Outcome = 'sent' | 'later' | 'rejected'

/**
 * Sends spans and metrics to an OpenTelemetry receiver. Nothing waits for it: what it does not take in time is dropped and
 * counted.
 */
export class OtlpExporter implements SpanSink {
  readonly #settings: TelemetrySettings
  readonly #logger: Logger
  readonly #began = Date.now()
  readonly #closing = new AbortController()
  readonly #timers: NodeJS.Timeout[] = []
  #waiting: Span[] = []
  #sending: Promise<void> | undefined
  #metrics: (() => Promise<string>) | undefined
  #dropped = 0
  #failing = false

  constructor(settings: TelemetrySettings, logger: Logger) {
    this.#settings = settings
    this.#logger = logger
    this.#every(SPANS_MS, () => this.#sendSpans())
  }

  add(span: Span): void {
    if (this.#waiting.length < MAX_WAITING) this.#waiting.push(span)
    else this.#dropped++
  }

  drop(count: number): void {
    this.#dropped += count
  }

  /** Sends what `read` returns, the text of `/metrics`, from now on at every interval. */
  report(read: () => Promise<string>): void {
    this.#metrics = read
    this.#every(this.#settings.metricsSeconds * 1000, () => this.#sendMetrics())
  }

  /** No process stays for it. */
  #every(ms: number, send: () => Promise<void>): void {
    this.#timers.push(setInterval(() => void send(), ms).unref())
  }

  /** Sends what there is, unless that takes long. */
  async close(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer)
    const last = Promise.all([this.#sendMetrics(), this.#sendSpans()])
    await Promise.race([last, sleep(CLOSE_MS, undefined, { ref: false })])
    this.#closing.abort()
    await last
  }

  #sendSpans(): Promise<void> {
    this.#sending ??= this.#sendWaiting().finally(() => {
      this.#sending = undefined
    })
    return this.#sending
  }

  async #sendWaiting(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.slice(0, BATCH)
      const outcome = await this.#post('traces', tracesBody(this.#settings.resource, batch))
      if (outcome === 'later') return
      this.#waiting = this.#waiting.slice(batch.length)
      if (outcome === 'rejected') this.#dropped += batch.length
    }
  }

  async #sendMetrics(): Promise<void> {
    if (!this.#metrics) return
    try {
      const metrics = [...readMetricsText(await this.#metrics()), this.#ownMetric()]
      await this.#post('metrics', metricsBody(this.#settings.resource, metrics, this.#began, Date.now()))
    } catch (error) {
      this.#logger.warn(`Telemetry: the metrics cannot be read: ${(error as Error).message}`)
    }
  }

  #ownMetric() {
    return {
      name: 'concertina_telemetry_spans_dropped_total',
      help: 'Spans that the receiver did not take in time.',
      type: 'counter',
      points: [{ labels: {}, value: this.#dropped }],
    } as const
  }

  async #post(signal: 'traces' | 'metrics', body: string): Promise<Outcome> {
    const { endpoint, headers } = this.#settings
    try {
      const response = await fetch(`${endpoint}/v1/${signal}`, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json' },
        body,
        redirect: 'error',
        signal: AbortSignal.any([this.#closing.signal, timeoutSignal(TIMEOUT_MS)]),
      })
      await response.body?.cancel()
      if (response.ok) {
        this.#works()
        return 'sent'
      }
      this.#fails(`status ${response.status} to ${signal}`)
      return AGAIN.has(response.status) ? 'later' : 'rejected'
    } catch (error) {
      this.#fails(rootMessage(error))
      return 'later'
    }
  }

  #fails(reason: string): void {
    if (this.#failing || this.#closing.signal.aborted) return
    this.#failing = true
    this.#logger.warn(`Telemetry: the receiver at ${new URL(this.#settings.endpoint).host}: ${reason}`, {
      reason,
    })
  }

  #works(): void {
    if (!this.#failing) return
    this.#failing = false
    this.#logger.info(`Telemetry: the receiver works again; ${this.#dropped} spans were dropped so far`, {
      dropped: this.#dropped,
    })
  }
}
