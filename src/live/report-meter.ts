import type { ChatServer } from '../chat/server.ts'
import type { ServerReport } from './messages.ts'

/** Measures the process of a chat server from one report to the next. */
export class ReportMeter {
  #cpu = process.cpuUsage()
  #loop = performance.eventLoopUtilization()
  #at = performance.now()
  #memoryBytes = 0

  /** @param accepted sockets accepted so far */
  report(server: ChatServer, accepted: number): ServerReport {
    const now = performance.now()
    const cpu = process.cpuUsage(this.#cpu)
    const loop = performance.eventLoopUtilization(this.#loop)
    const elapsedMs = now - this.#at
    this.#cpu = process.cpuUsage()
    this.#loop = performance.eventLoopUtilization()
    this.#at = now
    const latency = server.takeLatency()
    const ms = (q: number) => latency.quantile(q) * 1000
    return {
      ...server.stats,
      accepted,
      loopSeconds: this.#loop.active / 1000,
      cpu: (cpu.user + cpu.system) / 1000 / elapsedMs,
      memoryBytes: this.#memory(),
      eventLoopUtilization: loop.utilization,
      latencyP50Ms: ms(0.5),
      latencyP95Ms: ms(0.95),
      latencyP99Ms: ms(0.99),
    }
  }

  /** As it was when it cannot be measured: it is read from a file, and there may be no descriptor left. */
  #memory(): number {
    try {
      this.#memoryBytes = process.memoryUsage.rss()
    } catch {
      // The next report has it.
    }
    return this.#memoryBytes
  }
}
