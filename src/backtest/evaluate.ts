import { ConcertinaError } from '../base/errors.ts'
import { onlyKnown } from '../base/known-keys.ts'
import { unread } from '../base/phrases.ts'
import { AutoScaler } from '../scaling/auto-scaler.ts'
import type { LimitOptions } from '../scaling/limit-options.ts'
import { createPolicy, POLICY_KEYS, type PolicySpec, policySchema } from '../scaling/policies.ts'
import { readTrace, type Trace } from '../traffic/traces/trace.ts'
import { type FluidOptions, type FluidResult, type FluidWorld, runFluid, WORLD_KEYS } from './fluid.ts'
import { LoadCurve, scaleForServers } from './load-curve.ts'
import { LOWER_BOUND_KEYS, type LowerBound, type LowerBoundOptions, lowerBound } from './lower-bound.ts'
import type { MessageModel } from './message-latency.ts'
import { varied } from './variation.ts'
import type { Surroundings } from './world.ts'

/** The conditions that all policies are evaluated under; plain data. Times in seconds. */
export interface EvaluationSettings extends Surroundings {
  readonly usersPerServer: number
  readonly provisioningDelay: number
  readonly interval: number
  readonly warmUp: number
  /** Share of user-time that may be above capacity. */
  readonly overload: number
  readonly minServers: number
  readonly maxServers: number
  /** Servers that are ready at the start, if the load does not need more before a policy could start one. */
  readonly initialServers: number
  readonly messages: MessageModel
  /** Whether the autoscaler is started again in the middle, and what it then knows: what it had learned, or nothing. */
  readonly restart?: Restart
}

/** Whether the autoscaler is started again in the middle, and with what it had learned or with nothing. */
export type Restart = 'none' | 'keep' | 'forget'

/** What is input: the file, and the factor to it, or the servers that its 99.9th percentile should need. */
export interface TraceInput {
  readonly file: string
  /** Which of its columns, metrics or series, and the session of an access log; as `readTrace` takes them. */
  readonly column?: string | undefined
  readonly session?: number | undefined
  readonly scale?: number
  readonly targetServers?: number
  /** Where to begin and end, as shares (0–1) of the trace's duration. */
  readonly part?: readonly [from: number, to: number]
  /** Which of its copies: begun at another time, scaled and with noise. The trace itself by default. */
  readonly copy?: number
}

/** Limits of the autoscaler that belong to a policy, and not to the settings. */
export type PolicyLimits = Omit<LimitOptions, 'minServers' | 'maxServers'>

/** A policy as plain data, with the limits that go with it. */
export interface Candidate {
  readonly name: string
  readonly policy: PolicySpec
  readonly limits?: PolicyLimits
}

let lastRead: { readonly key: string; readonly trace: Trace } | undefined
let lastCurve: { readonly key: string; readonly curve: LoadCurve } | undefined

/** The load that is input. Keeps the trace that was read last, and what was made of it. */
export function curveOf(input: TraceInput, usersPerServer: number): LoadCurve {
  const { file, column, session, targetServers, scale = 1, part, copy } = input
  const key = JSON.stringify([input, usersPerServer])
  if (lastCurve?.key === key) return lastCurve.curve
  const read = JSON.stringify([file, column, session])
  if (lastRead?.key !== read) lastRead = { key: read, trace: readTrace(file, { column, session }) }
  const { trace } = lastRead
  const factor = targetServers === undefined ? scale : scaleForServers(trace, targetServers, usersPerServer)
  const whole = new LoadCurve(trace, factor)
  const cut = part ? whole.part(...part) : whole
  const curve = copy === undefined ? cut : varied(cut, copy)
  lastCurve = { key, curve }
  return curve
}

/** The autoscaler of a candidate. */
function scalerOf(
  { policy, limits }: Candidate,
  { interval, minServers, maxServers }: EvaluationSettings,
): AutoScaler {
  return new AutoScaler({ ...limits, policy: createPolicy(policy), interval, minServers, maxServers })
}

/** Plays one load against one candidate. Runs that may be given up have no latency. */
export function evaluate(
  curve: LoadCurve,
  candidate: Candidate,
  settings: EvaluationSettings,
  watch: Pick<FluidOptions, 'giveUp' | 'onStep' | 'onDecision'> = {},
): FluidResult {
  const messages = watch.giveUp ? undefined : settings.messages
  const again = (before: AutoScaler) => {
    const scaler = scalerOf(candidate, settings)
    const state = settings.restart === 'keep' ? before.policy.snapshot() : undefined
    if (state !== undefined) scaler.policy.restore(JSON.parse(JSON.stringify(state)), 0)
    return scaler
  }
  const restart =
    (settings.restart ?? 'none') === 'none'
      ? undefined
      : { at: Math.ceil(curve.duration / 2 / settings.interval) * settings.interval, again }
  const world = onlyKnown<FluidWorld>({ ...settings, curve }, WORLD_KEYS)
  const run = () => runFluid({ ...world, ...watch, restart, messages, scaler: scalerOf(candidate, settings) })
  return watch.onDecision ? run() : unread(run)
}

/** The floor of one load. */
export function floorOf(curve: LoadCurve, settings: EvaluationSettings): LowerBound {
  return lowerBound(onlyKnown<LowerBoundOptions>({ ...settings, curve }, LOWER_BOUND_KEYS))
}

/** What of a policy's options follows from the settings. */
function knownOptions(kind: string, settings: EvaluationSettings): Record<string, unknown> {
  const { usersPerServer, provisioningDelay, overload } = settings
  const [busy, idle] = [usersPerServer * 0.8, usersPerServer * 0.5]
  return {
    usersPerServer,
    provisioningDelay,
    overload,
    // Knative's target is the capacity of a server; the free share is an option of its own.
    ...(kind === 'knative' ? { target: usersPerServer, targetUtilization: 0.8 } : { target: busy }),
    scaleUpThreshold: busy,
    scaleDownThreshold: idle,
    scaleOut: { threshold: busy, adjustments: [{ lower: 0, change: 1 }] },
    scaleIn: { threshold: idle, adjustments: [{ upper: 0, change: -1 }] },
  }
}

/**
 * How a policy is configured when only its kind is given: what a server holds is known to it, and where it aims at users a server it
 * leaves a fifth free; every other option has its default.
 * @throws {ConcertinaError} INVALID_INPUT when it cannot do with its kind alone.
 */
export function candidateOf(kind: string, settings: EvaluationSettings): Candidate {
  const known = knownOptions(kind, settings)
  const keys = POLICY_KEYS.get(kind) ?? []
  const options = Object.fromEntries(keys.filter((key) => key in known).map((key) => [key, known[key]]))
  const parsed = policySchema.safeParse({ kind, ...options })
  if (parsed.success) {
    createPolicy(parsed.data)
    return { name: kind, policy: parsed.data }
  }
  const [issue] = parsed.error.issues
  const path = issue?.path.join('.') ?? ''
  const wrong = path in options ? `accepts no ${path} of ${options[path]}` : `needs ${path}`
  throw new ConcertinaError('INVALID_INPUT', `--policy: ${kind} ${wrong}`, {
    hint: 'name it with its options under policies in a --config file',
  })
}
