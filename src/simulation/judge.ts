import { ConcertinaError, invalidInput } from '../errors.ts'
import { AutoScaler } from '../scaling/auto-scaler.ts'
import { createPolicy, POLICY_KEYS, type PolicySpec, policySchema } from '../scaling/policies.ts'
import { readTrace, type Trace } from '../traffic/trace.ts'
import { clairvoyantFloor, type Floor } from './floor.ts'
import { type FluidResult, runFluid } from './fluid.ts'
import { LoadCurve, scaleForServers } from './load-curve.ts'

/** The conditions that all policies are judged under; plain data. Times in seconds. */
export interface Terms {
  readonly usersPerServer: number
  readonly provisioningDelay: number
  readonly interval: number
  readonly warmUp: number
  /** Share of user-time that may be above capacity. */
  readonly overload: number
  readonly minServers: number
  readonly maxServers: number
  /** Servers that stand at the begin, if the first load does not need more. */
  readonly initialServers: number
}

/** What is played: the file, and the factor to it, or the servers its 99.9th percentile shall need. */
export interface Played {
  readonly file: string
  readonly scale?: number
  readonly targetServers?: number
  /** Shares (0–1) of the trace's points to begin and to end at. */
  readonly part?: readonly [from: number, to: number]
}

/** A policy as plain data, with the limit that goes with it. */
export interface Contender {
  readonly name: string
  readonly policy: PolicySpec
  /** Seconds; of the autoscaler. */
  readonly scaleDownStabilization?: number
}

let lastRead: Trace | undefined

/** The load that is played. Keeps the trace that was read last. */
export function curveOf(played: Played, usersPerServer: number): LoadCurve {
  if (lastRead?.file !== played.file) lastRead = readTrace(played.file)
  const scale =
    played.targetServers === undefined
      ? (played.scale ?? 1)
      : scaleForServers(lastRead, played.targetServers, usersPerServer)
  const curve = new LoadCurve(lastRead, scale)
  return played.part ? curve.part(...played.part) : curve
}

/** The autoscaler of a contender. */
function scalerOf(contender: Contender, terms: Terms): AutoScaler {
  const { interval, minServers, maxServers } = terms
  const { scaleDownStabilization } = contender
  const policy = createPolicy(contender.policy)
  return new AutoScaler({ policy, interval, minServers, maxServers, scaleDownStabilization })
}

/** Plays one load against one contender. */
export function judge(
  curve: LoadCurve,
  contender: Contender,
  terms: Terms,
  giveUp?: { readonly overload: number; readonly serverSeconds: number },
): FluidResult {
  return runFluid({ ...terms, curve, scaler: scalerOf(contender, terms), giveUp })
}

/** The floor of one load. */
export function floorOf(curve: LoadCurve, terms: Terms): Floor {
  return clairvoyantFloor({ ...terms, curve })
}

/**
 * How a policy is set when only its kind is told: what a server holds is known to it, and where it aims at users a server it
 * leaves a fifth free; every other option has its default.
 * @throws {ConcertinaError} INVALID_INPUT when there is no such kind, or it cannot do with its kind alone.
 */
export function contenderOf(kind: string, terms: Terms): Contender {
  const keys = POLICY_KEYS.get(kind)
  if (!keys)
    throw invalidInput('--policy', `${JSON.stringify(kind)} is no policy`, [...POLICY_KEYS.keys()].join(', '))
  const { usersPerServer, provisioningDelay, overload } = terms
  const known: Record<string, number> = {
    usersPerServer,
    provisioningDelay,
    overload,
    target: usersPerServer * 0.8,
    scaleUpThreshold: usersPerServer * 0.8,
    scaleDownThreshold: usersPerServer * 0.5,
  }
  const options = Object.fromEntries(keys.filter((key) => key in known).map((key) => [key, known[key]]))
  const parsed = policySchema.safeParse({ kind, ...options })
  if (parsed.success) {
    createPolicy(parsed.data)
    return { name: kind, policy: parsed.data }
  }
  const [issue] = parsed.error.issues
  throw new ConcertinaError('INVALID_INPUT', `--policy: ${kind} needs ${issue?.path.join('.')} to be told`, {
    hint: 'name it with its options under policies in a --config file',
  })
}
