import { invalidInput } from '../base/errors.ts'
import type { Decision } from '../pipeline/items.ts'
import { LoadCurve } from './load-curve.ts'

/** What a run did, by its decisions. */
export interface Recorded {
  /** Of the policy in charge; of all, in their order, where it was changed. */
  readonly policy: string
  /** The load that it saw, on straight lines between its decisions. */
  readonly curve: LoadCurve
  /** Seconds between two decisions. */
  readonly interval: number
  /** Servers at the beginning. */
  readonly initialServers: number
  /** From launch to ready, seconds, as seen at the interval; `undefined` when no server was seen to start. */
  readonly provisioningDelay: number | undefined
  readonly serverHours: number
  readonly peakServers: number
  readonly scalingEvents: number
  /** Share of user-time above what the ready servers held, at a given number of users per server; `undefined` when the log does not say what was ready. */
  overload(usersPerServer: number): number | undefined
}

const median = (values: readonly number[]) =>
  values.length === 0 ? undefined : [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]

/** How long each scale-out took until as many servers were ready; those that were reversed before are left out. */
function delays(decisions: readonly Decision[]): number[] {
  const seen: number[] = []
  let waiting: Decision[] = []
  for (const each of decisions) {
    const { action, to, time, ready = -1 } = each
    waiting = waiting.filter((request) => {
      const done = ready >= request.to
      if (done) seen.push(time - request.time)
      return !done && to >= request.to
    })
    if (action === 'scale_up') waiting.push(each)
  }
  return seen
}

/**
 * What the decisions of one policy, in the order of time, say of its run. Those without a load are skipped.
 * @throws {ConcertinaError} INVALID_INPUT when there are fewer than two, or their times do not increase.
 */
export function recorded(decisions: readonly Decision[], where: string): Recorded {
  const known = decisions.filter(({ load }) => load !== undefined)
  const [first] = known
  if (!first || known.length < 2) {
    throw invalidInput(
      where,
      `${known.length} of its decisions have a load`,
      'at least two, as --decisions writes them',
    )
  }
  const back = known.findIndex(({ time }, i) => i > 0 && time <= known[i - 1]!.time)
  if (back > 0) {
    throw invalidInput(
      where,
      `a decision at ${known[back]!.time} s follows one at ${known[back - 1]!.time} s`,
      'the log of one run, in the order of time',
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
    policy: [...new Set(known.map(({ policy }) => policy))].join(', then '),
    curve,
    interval: median(steps)!,
    initialServers: first.from,
    provisioningDelay: median(delays(known)),
    serverHours: total(({ to }, seconds) => to * seconds) / 3600,
    peakServers: decisions.reduce((most, { to }) => Math.max(most, to), 0),
    scalingEvents: decisions.filter(({ action }) => action !== 'none').length,
    overload: (usersPerServer) => {
      if (known.some(({ ready }) => ready === undefined)) return undefined
      const above = total(({ ready }, seconds, at) => curve.excess(at, at + seconds, ready! * usersPerServer))
      return above / (curve.excess(0, curve.duration, 0) || 1)
    },
  }
}
