import type { LiveReport, RunResult } from '../metrics/run-result.ts'
import type { Decision } from '../scaling/types.ts'

const RULE = '='.repeat(70)

/** A titled block of `   name: value` lines between rules. */
export function block(title: string, lines: readonly (readonly [name: string, value: string])[]): string {
  return [RULE, title, RULE, ...lines.map(([name, value]) => `   ${name}: ${value}`), RULE].join('\n')
}

/** Milliseconds for people: three significant digits, in seconds from one second on. */
export function milliseconds(ms: number): string {
  return ms >= 1000 ? `${(ms / 1000).toPrecision(3)} s` : `${ms.toPrecision(3)} ms`
}

function eventLine({ action, to, load, time, reason }: Decision, i: number): string {
  const icon = action === 'scale_up' ? '📈' : '📉'
  return `   ${i + 1}. ${icon} ${action.toUpperCase()}: ${to} servers (load: ${load}) at ${time} s: ${reason}`
}

/** The scaling events of a run, or why there were none. */
function scalingEvents(result: RunResult, most = 50): string {
  const { scalingEvents: events, nothingScaledBecause } = result
  if (events.length === 0) return `🔄 Scaling Events: none; ${nothingScaledBecause}`
  const lines = ['🔄 Scaling Events:', ...events.slice(0, most).map(eventLine)]
  if (events.length > most) lines.push(`   … and ${events.length - most} more (--events FILE keeps them all)`)
  return lines.join('\n')
}

/** What the users of a live run saw. */
export function userLines(live: Pick<LiveReport, 'checks'> & Partial<LiveReport>): [string, string][] {
  const { checks, moved, reconnected = 0, outage, failedServers = 0 } = live
  const { delivered, lost, doubled, reordered, phantom, falseGaps, gaps, sessions } = checks
  const lines: [string, string][] = [
    ['Delivered', `${delivered} messages in ${sessions} sessions`],
    ['Lost, doubled, reordered', `${lost}, ${doubled}, ${reordered}`],
  ]
  if (moved !== undefined) lines.push(['Users moved without a break', String(moved)])
  if (gaps > 0) lines.push(['Gaps announced', String(gaps)])
  if (phantom + falseGaps > 0) lines.push(['Made up, falsely announced as gone', `${phantom}, ${falseGaps}`])
  if (failedServers > 0) lines.push(['Failed servers', String(failedServers)])
  if (reconnected > 0 && outage) {
    const gap = `without a connection p50 ${milliseconds(outage.p50Ms)}, p99 ${milliseconds(outage.p99Ms)}`
    lines.push(['Connections broken', `${reconnected}, ${gap}`])
  }
  return lines
}

/** The metrics of a run as names and values for people. */
export function metricLines(result: RunResult): [name: string, value: string][] {
  const { latency } = result
  return [
    ['Total requests processed', String(result.processedMessages)],
    ['Rejected requests', String(result.rejectedMessages)],
    ['Total duration', `${result.duration.toFixed(2)}s${result.interrupted ? ' (interrupted)' : ''}`],
    ['Average throughput', `${result.throughput.toFixed(2)} req/s`],
    ['Peak load', `${result.peakLoad} concurrent users (requested ${result.requestedPeakLoad.toFixed(0)})`],
    ['Peak servers', String(result.peakServers)],
    ['Scaling events', String(result.scalingEvents.length)],
    [
      'Average load',
      `${result.averageLoad.toFixed(1)} users (requested ${result.requestedAverageLoad.toFixed(1)})`,
    ],
    ['Average servers', result.averageServers.toFixed(1)],
    ['Utilization', `${(result.utilization * 100).toFixed(1)} %`],
    ['Server-hours', result.serverHours.toFixed(3)],
    [
      'Latency',
      `p50 ${milliseconds(latency.p50Ms)}, p95 ${milliseconds(latency.p95Ms)}, ` +
        `p99 ${milliseconds(latency.p99Ms)}, max ${milliseconds(latency.maxMs)}`,
    ],
    ...(result.live ? userLines(result.live) : []),
  ]
}

/** What a run amounted to, for a terminal. */
export function summary(result: RunResult): string {
  const metrics = block('📊 Auto-Scaling System Metrics', metricLines(result))
  return `${metrics}\n\n${scalingEvents(result)}`
}
