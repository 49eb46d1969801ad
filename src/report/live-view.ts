import type { FleetEvent, FleetSnapshot } from '../control/control-target.ts'
import { progressBar, sparkline } from './blocks.ts'
import { serverRows } from './server-rows.ts'
import { type Color, paint, type StyledSpan, wrap } from './styled.ts'
import { milliseconds } from './terminal.ts'

/** What was seen of a fleet at one moment. */
export interface ViewSample {
  readonly load: number
  readonly size: number
  /** Users of the server that had the most. */
  readonly mostUsers: number
}

/** Everything that the view of a running fleet is drawn from. */
export interface ViewState {
  readonly snapshot: FleetSnapshot
  /** One a second of real time, oldest first. */
  readonly history: readonly ViewSample[]
  /** The line of the last control interval. */
  readonly headline?: string | undefined
  /** What happened last. */
  readonly event?: FleetEvent | undefined
  /** Seconds that the run takes; absent when it runs until it is stopped. */
  readonly duration?: number | undefined
  /** Address of the dashboard. */
  readonly dashboard?: string | undefined
}

/** Cells and lines of the terminal, and whether it shows colours. */
export interface ViewSize {
  readonly width: number
  readonly height: number
  readonly color: boolean
}

/** Seconds of history that are shown at most. */
export const HISTORY_SECONDS = 60

const LABEL = 9
/** On terminals of fewer lines long texts get less room. */
const ROOMY = 16
/** The text beside a curve gets at least this many cells. */
const ASIDE = 32

const EVENT_COLOR: Record<FleetEvent['kind'], Color> = { scale: 'cyan', hand: 'blue', failure: 'yellow' }

/** Seconds for people: `12 s`, `3 min 05 s`, `2 h 03 min`. */
function duration(seconds: number): string {
  const s = Math.floor(seconds)
  const two = (value: number) => String(value).padStart(2, '0')
  if (s < 60) return `${s} s`
  if (s < 3600) return `${Math.floor(s / 60)} min ${two(s % 60)} s`
  return `${Math.floor(s / 3600)} h ${two(Math.floor((s % 3600) / 60))} min`
}

function label(text: string): StyledSpan {
  return { text: text.padEnd(LABEL), color: 'gray' }
}

function curve(
  name: string,
  values: readonly number[],
  color: Color,
  aside: string,
  width: number,
): StyledSpan[] {
  const room = Math.max(8, Math.min(HISTORY_SECONDS, width - LABEL - ASIDE))
  const shown = values.slice(-room)
  return [
    label(name),
    { text: sparkline(shown, Math.max(...values)).padEnd(room), color },
    { text: `  ${aside}` },
  ]
}

function loadLine({ snapshot, history }: ViewState, width: number): StyledSpan[] {
  const { load, requestedLoad, ready } = snapshot
  const requested = Math.round(requestedLoad) === load ? '' : ` of ${Math.round(requestedLoad)}`
  const each = ready > 0 ? `, ${(load / ready).toFixed(1)} a server` : ''
  const values = history.map((sample) => sample.load)
  return curve('users', values, 'green', `${load}${requested}${each}`, width)
}

function sizeLine({ snapshot, history }: ViewState, width: number): StyledSpan[] {
  const { size, ready, limits } = snapshot
  const aside = `${size} of ${limits.minServers} to ${limits.maxServers}, ${ready} ready`
  const values = history.map((sample) => sample.size)
  return curve('servers', values, 'cyan', aside, width)
}

function labelled(name: string, text: string, most: number, width: number, color?: Color): StyledSpan[][] {
  return wrap(text, width - LABEL, most).map((part, i) => [label(i === 0 ? name : ''), { text: part, color }])
}

function workLines({ snapshot }: ViewState, width: number, most: number): StyledSpan[][] {
  const { latency, messagesPerSecond, deliveriesPerSecond } = snapshot
  const { p50Ms, p95Ms, p99Ms } = latency
  const rates = `${messagesPerSecond.toFixed(0)} messages/s, ${deliveriesPerSecond.toFixed(0)} deliveries/s`
  const [p50, p95, p99] = [p50Ms, p95Ms, p99Ms].map(milliseconds)
  const known = p99Ms > 0 ? `p50 ${p50}, p95 ${p95}, p99 ${p99}; ` : ''
  return labelled(known ? 'latency' : 'rate', known + rates, most, width)
}

function policyLine({ snapshot }: ViewState): StyledSpan[] {
  const { policy, strategy, paused, setLoad } = snapshot
  const set = setLoad === undefined ? '' : `, load set to ${setLoad}`
  return [
    label('policy'),
    { text: `${policy}, ${strategy}${set}` },
    ...(paused ? [{ text: ', paused', color: 'yellow' } as const] : []),
  ]
}

function eventLines({ event }: ViewState, width: number, most: number): StyledSpan[][] {
  if (!event) return labelled('last', 'nothing was scaled yet', 1, width, 'gray')
  return labelled('last', `at ${duration(event.time)}: ${event.text}`, most, width, EVENT_COLOR[event.kind])
}

/** How far the run is, and the address of the dashboard: on a line of its own where it would be cut otherwise. */
function timeLines({ snapshot, duration: whole, dashboard }: ViewState, width: number): StyledSpan[][] {
  const { time } = snapshot
  const address: StyledSpan[] = dashboard === undefined ? [] : [{ text: dashboard, color: 'blue' }]
  const addressWidth = dashboard === undefined ? 0 : dashboard.length + 2
  const progress =
    whole === undefined ? duration(time) : `${duration(Math.min(time, whole))} of ${duration(whole)}`
  const left = width - LABEL - progress.length - addressWidth
  if (left < 0) return [[label('time'), { text: progress }], address]
  const room = Math.min(24, left - 1)
  const shown: StyledSpan[] =
    whole === undefined || room < 8 ? [] : [{ text: `${progressBar(time / whole, room)} `, color: 'gray' }]
  return [[label('time'), ...shown, { text: progress }, { text: '  ' }, ...address]]
}

/**
 * The view as lines, at most `height - 1` of them (the cursor is below), none wider than `width` cells. On a low terminal
 * the least important go first; servers never take more than half of it.
 */
export function render(state: ViewState, { width, height, color }: ViewSize): string[] {
  const most = Math.max(1, height - 1)
  const roomy = height >= ROOMY
  const { headline } = state
  const above = [
    ...(headline === undefined ? [] : [[{ text: headline }]]),
    loadLine(state, width),
    sizeLine(state, width),
    ...workLines(state, width, roomy ? 2 : 1),
    policyLine(state),
  ]
  const below = [...eventLines(state, width, roomy ? 3 : 2), ...timeLines(state, width)]
  const fixed = above.length + below.length
  const rows = Math.min(most - fixed, Math.floor(height / 2))
  const { servers: all } = state.snapshot
  // A full bar is the most of the last minute, so that bars are calm.
  const mostUsers = Math.max(
    1,
    ...[...state.history.map((sample) => sample.mostUsers), ...all.map((s) => s.users)],
  )
  const servers = serverRows(all, mostUsers, width, rows)
  const short = Math.max(0, fixed - most)
  const kept = [...above.slice(0, Math.max(0, above.length - short)), ...servers, ...below]
  return kept.slice(-most).map((spans) => paint(spans, width, color))
}
