import { invalidInput } from '../errors.ts'
import type { Decision } from '../scaling/decision.ts'
import { LoadCurve } from './load-curve.ts'

/** What a run did, as its decisions tell it. */
export interface Recorded {
  readonly policy: string
  /** The load that it saw, on straight lines between its decisions. */
  readonly curve: LoadCurve
  /** Seconds between two decisions. */
  readonly interval: number
  /** Servers that stood when it began. */
  readonly initialServers: number
  /** From launch to ready, seconds, as seen at the interval; `undefined` when no server was seen to start. */
  readonly provisioningDelay: number | undefined
  readonly serverHours: number
  readonly peakServers: number
  readonly scalingEvents: number
  /** Share of user-time above what the ready servers held, at so many users a server; `undefined` when the log does not tell what was ready. */
  overload(usersPerServer: number): number | undefined
}

const median = (values: readonly number[]) =>
  values.length === 0 ? undefined : [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]

/** How long each scale-out took until as many servers were ready. */
function delays(decisions: readonly Decision[]): number[] {
  return decisions.flatMap(({ action, to, time }, i) => {
    if (action !== 'scale_up') return []
    for (const later of decisions.slice(i + 1)) {
      if (later.ready !== undefined && later.ready >= to) return [later.time - time]
      if (later.to < to) return [] // it was taken back before
    }
    return []
  })
}

/**
 * What the decisions of one policy, in the order of time, tell of its run. Those without a load are passed over.
 * @throws {ConcertinaError} INVALID_INPUT when there are fewer than two.
 */
export function recorded(decisions: readonly Decision[], where: string): Recorded {
  const known = decisions.filter(({ load }) => load !== undefined)
  const [first] = known
  if (!first || known.length < 2) {
    throw invalidInput(
      where,
      `${known.length} of its decisions tell a load`,
      'at least two, as --decisions writes them',
    )
  }
  const begin = first.time
  const curve = new LoadCurve({
    times: Float64Array.from(known, ({ time }) => time),
    values: Float64Array.from(known, ({ load }) => load!),
  })
  const steps = known.slice(1).map((each, i) => each.time - known[i]!.time)
  const total = (each: (decision: Decision, seconds: number, at: number) => number) =>
    steps.reduce((sum, seconds, i) => sum + each(known[i]!, seconds, known[i]!.time - begin), 0)
  return {
    policy: first.policy,
    curve,
    interval: median(steps)!,
    initialServers: first.from,
    provisioningDelay: median(delays(known)),
    serverHours: total(({ to }, seconds) => to * seconds) / 3600,
    peakServers: Math.max(...known.map(({ to }) => to)),
    scalingEvents: known.filter(({ action }) => action !== 'none').length,
    overload: (usersPerServer) => {
      if (known.some(({ ready }) => ready === undefined)) return undefined
      const above = total(({ ready }, seconds, at) => curve.excess(at, at + seconds, ready! * usersPerServer))
      return above / (curve.excess(0, curve.duration, 0) || 1)
    },
  }
}
