import type { Language } from '../base/language.ts'
import type { LiveReport, RunResult } from '../metrics/run-result.ts'
import type { Decision } from '../pipeline/items.ts'
import { type ReportTexts, reportTexts } from './texts.ts'

const RULE = '='.repeat(70)

/** A titled block of `   name: value` lines between rules. */
export function block(
  title: string,
  lines: readonly (readonly [name: string, value: string])[],
  colon = ': ',
): string {
  return [RULE, title, RULE, ...lines.map(([name, value]) => `   ${name}${colon}${value}`), RULE].join('\n')
}

/** Milliseconds for people: three significant digits, in seconds from one second on. */
export function milliseconds(ms: number): string {
  return ms >= 1000 ? `${(ms / 1000).toPrecision(3)} s` : `${ms.toPrecision(3)} ms`
}

function eventLine({ action, to, load, time, reason }: Decision, i: number, texts: ReportTexts): string {
  const [icon, word] = action === 'scale_up' ? ['📈', texts.scaledUp] : ['📉', texts.scaledDown]
  return `   ${i + 1}. ${icon} ${word}${texts.colon}${texts.event(to, load, time, texts.because(reason))}`
}

/** The scaling events of a run, or why there were none. */
function scalingEvents(result: RunResult, texts: ReportTexts, most = 50): string {
  const { scalingEvents: events, nothingScaledBecause = '' } = result
  if (events.length === 0) return texts.noEvents(texts.because(nothingScaledBecause))
  const title = `${texts.eventsTitle}${texts.colon}`.trimEnd()
  const lines = [title, ...events.slice(0, most).map((event, i) => eventLine(event, i, texts))]
  if (events.length > most) lines.push(texts.eventsMore(events.length - most))
  return lines.join('\n')
}

/** What the users of a live run saw. */
export function userLines(
  live: Pick<LiveReport, 'checks'> & Partial<LiveReport>,
  texts = reportTexts(),
): [string, string][] {
  const { checks, moved, reconnected = 0, outage, failedServers = 0 } = live
  const { delivered, lost, doubled, reordered, phantom, falseGaps, gaps, sessions } = checks
  const lines: [string, string][] = [
    [texts.delivered, texts.deliveries(delivered, sessions)],
    [texts.lost, `${lost}, ${doubled}, ${reordered}`],
  ]
  if (moved !== undefined) lines.push([texts.movedUsers, String(moved)])
  if (gaps > 0) lines.push([texts.gaps, String(gaps)])
  if (phantom + falseGaps > 0) lines.push([texts.phantom, `${phantom}, ${falseGaps}`])
  if (failedServers > 0) lines.push([texts.failed, String(failedServers)])
  if (reconnected > 0 && outage) {
    const value = texts.outage(reconnected, milliseconds(outage.p50Ms), milliseconds(outage.p99Ms))
    lines.push([texts.broken, value])
  }
  return lines
}

/** The metrics of a run as names and values for people. */
export function metricLines(result: RunResult, texts = reportTexts()): [name: string, value: string][] {
  const { latency, requestedPeakLoad, requestedAverageLoad } = result
  return [
    [texts.processed, String(result.processedMessages)],
    [texts.rejectedRequests, String(result.rejectedMessages)],
    [texts.duration, `${result.duration.toFixed(2)}s${result.interrupted ? texts.interrupted : ''}`],
    [texts.throughput, texts.perSecond(result.throughput.toFixed(2))],
    [texts.peakLoad, texts.peakUsers(result.peakLoad, requestedPeakLoad.toFixed(0))],
    [texts.peakServers, String(result.peakServers)],
    [texts.events, String(result.scalingEvents.length)],
    [texts.averageLoad, texts.averageUsers(result.averageLoad.toFixed(1), requestedAverageLoad.toFixed(1))],
    [texts.averageServers, result.averageServers.toFixed(1)],
    [texts.utilization, `${(result.utilization * 100).toFixed(1)} %`],
    [texts.serverHours, result.serverHours.toFixed(3)],
    [
      texts.latency,
      `p50 ${milliseconds(latency.p50Ms)}, p95 ${milliseconds(latency.p95Ms)}, ` +
        `p99 ${milliseconds(latency.p99Ms)}, max ${milliseconds(latency.maxMs)}`,
    ],
    ...(result.live ? userLines(result.live, texts) : []),
  ]
}

/** What a run amounted to, for a terminal. */
export function summary(result: RunResult, language?: Language): string {
  const texts = reportTexts(language)
  const metrics = block(texts.summaryTitle, metricLines(result, texts), texts.colon)
  return `${metrics}\n\n${scalingEvents(result, texts)}`
}
