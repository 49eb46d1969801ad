import type { ServerWork } from '../fleet/server.ts'
import type { ServerReport } from './messages.ts'

/** What counts over the whole life of a fleet, servers that are gone included. */
export interface FleetTotals {
  messages: number
  rejected: number
  deliveries: number
  lagging: number
  slowClosed: number
  resumed: number
  lost: number
  followed: number
  keyFetchesFailed: number
}

export const NO_TOTALS: FleetTotals = {
  messages: 0,
  rejected: 0,
  deliveries: 0,
  lagging: 0,
  slowClosed: 0,
  resumed: 0,
  lost: 0,
  followed: 0,
  keyFetchesFailed: 0,
}

/** A server's work, as of its last report. */
export class ReportedWork implements ServerWork {
  last: ServerReport | undefined
  /** When that was, milliseconds. */
  at = performance.now()

  inFlight(): number {
    return this.last?.work?.queued ?? 0
  }

  busyUntil(): number {
    return 0
  }

  /** Without simulated work the event loop is the one slot there is. */
  totals() {
    const { messages = 0, loopSeconds = 0, work } = this.last ?? {}
    return {
      messages,
      busySeconds: work?.busySeconds ?? loopSeconds,
      concurrency: work?.concurrency ?? 1,
      queued: work?.queued ?? 0,
    }
  }

  measured() {
    const { cpu = 0, memoryBytes = 0, eventLoopUtilization = 0, latencyP99Ms = 0 } = this.last ?? {}
    return { cpu, memoryBytes, eventLoopUtilization, latencyP99Ms }
  }
}

/** Adds what a server has reported last. */
export function addReport(totals: FleetTotals, report: ServerReport | undefined): void {
  if (!report) return
  for (const name of Object.keys(NO_TOTALS) as (keyof FleetTotals)[]) totals[name] += report[name] ?? 0 // a server of an older version may not have it
}
