import { Histogram } from '../base/histogram.ts'
import type { Fleet } from '../fleet/fleet.ts'
import type { Server } from '../fleet/server.ts'
import { type OperatorContext, SinkFunction } from '../pipeline/functions.ts'
import type { ProcessedItem, ScaledTick } from '../pipeline/items.ts'
import type { LatencySummary, RunResult } from './run-result.ts'
import { Samples } from './samples.ts'

/** The part of a run's result that this sink makes. */
export type MetricsResult = Omit<RunResult, 'scalingEvents' | 'nothingScaledBecause' | 'seed' | 'interrupted'>

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
        this.#latency.record(item.wait + item.service)
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
    this.#samples.add({ time, requestedLoad, load, servers, readyServers, messages })
    const cell = (value: number, width: number) => String(value).padStart(width)
    const line = `📊 Load: ${cell(load, 3)} users | Servers: ${cell(servers, 2)} | Requests: ${cell(messages, 4)}`
    const { logger } = this.#context
    if (logger.progress) logger.progress(line)
    else logger.info(line)
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
    }
  }
}
