import { z } from 'zod'
import { policyWords } from '../scaling/policy-words.ts'
import type { ControlTarget } from './control-target.ts'

/** Characters of a text that a summary has at most. */
const MOST_TEXT = 500

const finite = z.number()
const text = z.string().max(MOST_TEXT)
/** Milliseconds since 1970. */
const moment = z.number().min(0).max(8.64e15)

/** A fleet in a few figures, for who watches several. Moments are missing where its clock is not the world's. */
export const fleetSummarySchema = z.object({
  users: finite,
  /** Users that its ready servers hold, by its policy; absent where that counts no users. */
  capacity: finite.optional(),
  ready: finite,
  /** Desired servers. */
  size: finite,
  minServers: finite,
  maxServers: finite,
  /** In words. */
  policy: text,
  paused: z.boolean(),
  messagesPerSecond: finite,
  /** 0 where no message was measured. */
  p99Ms: finite,
  alerts: z.array(z.object({ name: text, sinceMs: moment.optional() })).max(20),
  lastEvent: z
    .object({ kind: z.enum(['scale', 'hand', 'failure']), text, atMs: moment.optional() })
    .optional(),
})

export type FleetSummary = z.infer<typeof fleetSummarySchema>

const shortened = (whole: string) => (whole.length > MOST_TEXT ? `${whole.slice(0, MOST_TEXT - 1)}…` : whole)

export function summaryOf(target: ControlTarget): FleetSummary {
  const state = target.snapshot()
  const { load, ready, size, limits, usersPerServer, policySpec, startMs } = state
  const last = target.events(0).at(-1)
  const atMs = (time: number) => (startMs === undefined ? undefined : Math.round(startMs + time * 1000))
  return {
    users: load,
    ...(usersPerServer !== undefined && { capacity: ready * usersPerServer }),
    ready,
    size,
    ...limits,
    policy: shortened(policySpec ? policyWords(policySpec) : state.policy),
    paused: state.paused,
    messagesPerSecond: state.messagesPerSecond,
    p99Ms: state.latency.p99Ms,
    alerts: state.alerts.map(({ name, since }) => ({ name, sinceMs: atMs(since) })),
    ...(last && { lastEvent: { kind: last.kind, text: shortened(last.text), atMs: atMs(last.time) } }),
  }
}
