import { Histogram } from '../base/histogram.ts'
import type { Fleet } from '../fleet/fleet.ts'
import type { Server } from '../fleet/server.ts'
import { type OperatorContext, SinkFunction } from '../pipeline/functions.ts'
import type { ProcessedItem, ScaledTick } from '../pipeline/items.ts'
import type { LatencySummary, RunResult, Sample } from './run-result.ts'
import { Samples } from './samples.ts'

/** The part of a run's result that this sink makes. */
export type MetricsResult = Omit<
  RunResult,
  'scalingEvents' | 'unchanged' | 'nothingScaledBecause' | 'seed' | 'interrupted' | 'setup'
>

/** What else is known of a live run at a moment, by who runs its users. */
export type UsersSample = Pick<Sample, 'rejected' | 'moved' | 'latency'>

/** Servers whose time to start is remembered. */
const MOST_STARTS = 1000

const quantilesOf = ({ p50Ms, p95Ms, p99Ms }: LatencySummary) => ({ p50Ms, p95Ms, p99Ms })

/** What users met since the sample before, of their latency so far. */
export function recentLatency(latency: Histogram): Sample['latency'] {
  return latency.count > 0 ? quantilesOf(latencySummary(latency, 0)) : undefined
}

/** The quantiles of `latency`, in milliseconds, of messages that waited for `waitSeconds` together. */
export function latencySummary(latency: Histogram, waitSeconds: number): LatencySummary {
  const { count } = latency
  const ms = (q: number) => (count > 0 ? latency.quantile(q) * 1000 : 0)
  return {
    meanMs: latency.mean * 1000,
    p50Ms: ms(0.5),
    p95Ms: ms(0.95),
    p99Ms: ms(0.99),
    maxMs: count > 0 ? latency.max * 1000 : 0,
    meanWaitMs: count > 0 ? (waitSeconds / count) * 1000 : 0,
  }
}

/** Counts, averages and quantiles of a run; averages are over time, not over samples. */
export class MetricsCollector extends SinkFunction<ProcessedItem, MetricsResult> {
  #context!: OperatorContext
  #fleet!: Fleet
  #processed = 0
  #rejected = 0
  readonly #latency = new Histogram()
  #recent = new Histogram()
  readonly #users: () => UsersSample
  #sampled = { busy: 0, slots: 0 }
  readonly #starts: number[] = []
  #waitSeconds = 0
  readonly #samples = new Samples()
  #tickAt = 0
  #load = 0
  #requestedLoad = 0
  #loadSeconds = 0
  #requestedSeconds = 0
  #peakLoad = 0
  #requestedPeak = 0
  #changedAt = 0
  #size = 0
  #existing = 0
  #peakServers = 0
  #sizeSeconds = 0
  #serverSeconds = 0
  #busySeconds = 0
  #slotSeconds = 0

  /** @param users what the users of a run met, where this sink does not see their messages */
  constructor(users: () => UsersSample = () => ({})) {
    super()
    this.#users = users
  }

  override open(context: OperatorContext): void {
    this.#context = context
    this.#fleet = context.fleet
    this.#fleetChanged()
    context.fleet.onChange((server) => this.#fleetChanged(server))
  }

  execute(item: ProcessedItem): void {
    if (item.kind === 'message') {
      if (item.rejected) {
        this.#rejected++
      } else {
        this.#processed++
        this.#waitSeconds += item.wait
        this.#recent.record(item.wait + item.service)
      }
    } else if (item.kind === 'tick') {
      this.#onTick(item)
    }
  }

  #onTick({ time, load, requestedLoad, servers, readyServers, messages }: ScaledTick): void {
    this.#integrateLoad(time)
    this.#load = load
    this.#requestedLoad = requestedLoad
    this.#peakLoad = Math.max(this.#peakLoad, load)
    this.#requestedPeak = Math.max(this.#requestedPeak, requestedLoad)
    this.#samples.add({
      time,
      requestedLoad,
      load,
      servers,
      readyServers,
      messages,
      serverSeconds: this.#serverSeconds + this.#existing * (this.#context.clock.now() - this.#changedAt),
      ...this.#sinceSample(),
      ...this.#users(),
    })
    const cell = (value: number, width: number) => String(value).padStart(width)
    const line = `📊 Load: ${cell(load, 3)} users | Servers: ${cell(servers, 2)} | Requests: ${cell(messages, 4)}`
    const { logger } = this.#context
    if (logger.progress) logger.progress(line, { load, servers, messages })
    else logger.info(line)
  }

  /** What happened since the sample before. */
  #sinceSample(): Partial<Sample> {
    const now = this.#context.clock.now()
    let [busy, slots] = [this.#busySeconds, this.#slotSeconds]
    for (const { work, readyAt } of this.#fleet.servers) {
      if (!work || readyAt === undefined) continue
      const { busySeconds, concurrency } = work.totals(now)
      busy += busySeconds
      slots += concurrency * (now - readyAt)
    }
    const { busy: busyBefore, slots: slotsBefore } = this.#sampled
    this.#sampled = { busy, slots }
    const latency = recentLatency(this.#recent)
    if (latency) {
      this.#latency.merge(this.#recent)
      this.#recent = new Histogram()
    }
    return {
      ...(slots > slotsBefore && {
        utilization: Math.min(1, Math.max(0, busy - busyBefore) / (slots - slotsBefore)),
      }),
      ...(this.#processed + this.#rejected > 0 && { rejected: this.#rejected }),
      ...(latency && { latency }),
    }
  }

  #integrateLoad(time: number): void {
    const elapsed = time - this.#tickAt
    this.#loadSeconds += this.#load * elapsed
    this.#requestedSeconds += this.#requestedLoad * elapsed
    this.#tickAt = time
  }

  #fleetChanged(server?: Server): void {
    const now = this.#context.clock.now()
    const elapsed = now - this.#changedAt
    this.#sizeSeconds += this.#size * elapsed
    this.#serverSeconds += this.#existing * elapsed
    this.#changedAt = now
    this.#size = this.#fleet.desiredCount
    this.#existing = this.#fleet.servers.length
    this.#peakServers = Math.max(this.#peakServers, this.#size)
    if (server?.state === 'ready' && server.readyAt! > server.launchedAt && this.#starts.length < MOST_STARTS)
      this.#starts.push(server.readyAt! - server.launchedAt)
    if (server && 'endedAt' in server.life) this.#addWork(server, now)
  }

  #addWork({ work, readyAt }: Server, now: number): void {
    if (!work || readyAt === undefined) return
    const { busySeconds, concurrency } = work.totals(now)
    this.#busySeconds += busySeconds
    this.#slotSeconds += concurrency * (now - readyAt)
  }

  override close(): void {
    const now = this.#context.clock.now()
    this.#integrateLoad(now)
    this.#fleetChanged()
    this.#latency.merge(this.#recent)
    for (const server of this.#fleet.servers) this.#addWork(server, now)
  }

  result(): MetricsResult {
    const duration = this.#context.clock.now()
    const over = (total: number, by: number) => (by > 0 ? total / by : 0)
    return {
      duration,
      totalMessages: this.#processed + this.#rejected,
      processedMessages: this.#processed,
      rejectedMessages: this.#rejected,
      throughput: over(this.#processed, duration),
      requestedPeakLoad: this.#requestedPeak,
      requestedAverageLoad: over(this.#requestedSeconds, duration),
      peakLoad: this.#peakLoad,
      averageLoad: over(this.#loadSeconds, duration),
      peakServers: this.#peakServers,
      averageServers: over(this.#sizeSeconds, duration),
      serverHours: this.#serverSeconds / 3600,
      utilization: over(this.#busySeconds, this.#slotSeconds),
      latency: latencySummary(this.#latency, this.#waitSeconds),
      samples: this.#samples.kept,
      ...(this.#starts.length > 0 && {
        provisioningDelay: this.#starts.toSorted((a, b) => a - b)[this.#starts.length >> 1]!,
      }),
    }
  }
}
