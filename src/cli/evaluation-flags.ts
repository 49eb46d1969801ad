import { readdirSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import {
  type Candidate,
  candidateOf,
  type EvaluationSettings,
  type TraceInput,
} from '../backtest/evaluate.ts'
import { evaluationOptions } from '../backtest/evaluation-options.ts'
import { DEFAULT_MESSAGES } from '../backtest/message-latency.ts'
import { ConcertinaError, invalidInput, requireNumber } from '../base/errors.ts'
import type { OptionsOf } from '../base/options.ts'
import { POLICY_KINDS, policySchema } from '../scaling/policies.ts'
import { type ConfiguredOptions, readConfig } from './config/config.ts'
import { type ReadingFlags, readNamedTrace } from './trace-flags.ts'

/** Flags for the conditions. */
export interface EvaluationFlags extends OptionsOf<typeof evaluationOptions.shape> {
  config?: string
}

/** Flags of the commands that evaluate policies on traces. */
export interface TraceEvaluationFlags extends EvaluationFlags {
  trace: string[]
  column?: string
  session?: number
  targetServers?: number
}

/** Files of a folder that are traces. */
const TRACE_FILE = /\.(csv|tsv|json|log|txt)(\.gz)?$/i

/** Policies that can do with their kind alone. */
const STANDALONE_POLICIES = POLICY_KINDS.filter((kind) => policySchema.safeParse({ kind }).success)

/** The input of a command that evaluates policies: the conditions, and how to find a policy by its name. */
export interface Evaluation {
  readonly settings: EvaluationSettings
  /** The policies that `names` name, kinds or names of the config; default all. */
  candidates(names?: readonly string[]): Candidate[]
}

/** Reads the config, if one is named, and fills in the defaults. */
export function evaluationOf(flags: EvaluationFlags): Evaluation {
  const config = readConfig(flags.config)
  const settings = settingsOf(flags, config)
  const named = new Map(
    Object.entries(config.policies ?? {}).map(([name, { policy, ...limits }]): [string, Candidate] => [
      name,
      { name, policy, limits },
    ]),
  )
  const candidate = (name: string): Candidate => {
    const found = named.get(name)
    if (found) return found
    if (POLICY_KINDS.includes(name)) return candidateOf(name, settings)
    const allowed = [...POLICY_KINDS, ...named.keys()].join(', ')
    throw invalidInput('--policy', `${JSON.stringify(name)} is not a policy`, allowed)
  }
  return {
    settings,
    candidates: (names = [...STANDALONE_POLICIES, ...named.keys()]) => [...new Set(names)].map(candidate),
  }
}

/** The conditions; flags go before the config. */
function settingsOf(
  flags: EvaluationFlags,
  { autoScaler = {}, server = {}, traffic = {} }: ConfiguredOptions,
): EvaluationSettings {
  const {
    concurrency = DEFAULT_MESSAGES.concurrency,
    queueLimit = DEFAULT_MESSAGES.queueLimit,
    serviceTime = { mean: DEFAULT_MESSAGES.serviceTime },
  } = server
  const { serversPerNode, nodeDelay, sessionDuration, fullUtilization, ...conditions } =
    evaluationOptions.parse({
      minServers: autoScaler.minServers,
      interval: autoScaler.interval,
      provisioningDelay: server.startupDelay,
      drainWindow: server.drainWindow,
      ...evaluationOptions.given(flags),
    })
  const { usersPerServer, minServers } = conditions
  if (flags.nodeDelay !== undefined && serversPerNode === undefined)
    throw invalidInput('--node-delay', 'needs --servers-per-node', 'together with --servers-per-node')
  if (flags.maxServers !== undefined) requireNumber('maxServers', flags.maxServers, { min: minServers })
  const think = traffic.thinkTime?.mean
  const sent = think === undefined ? undefined : (usersPerServer / think) * (serviceTime.mean / concurrency)
  return {
    ...conditions,
    maxServers: flags.maxServers ?? Math.max(minServers, autoScaler.maxServers ?? conditions.maxServers),
    initialServers: 0,
    messages: {
      concurrency,
      queueLimit,
      serviceTime: serviceTime.mean,
      fullUtilization: flags.fullUtilization ?? sent ?? fullUtilization,
    },
    ...(serversPerNode !== undefined && { nodes: { serversPerNode, nodeDelay } }),
    ...(sessionDuration !== undefined && { sessionDuration }),
  }
}

/** The traces of a folder: a file beside them that is none, as a licence, is left out, and stderr says so. */
function tracesIn(folder: string, written: ReadonlySet<string>, flags: ReadingFlags): string[] {
  const files = readdirSync(folder)
    .filter((name) => TRACE_FILE.test(name))
    .sort()
    .map((name) => join(folder, name))
    .filter((file) => !written.has(resolve(file)))
  let first: ConcertinaError | undefined
  const traces = files.filter((file) => {
    try {
      readNamedTrace(file, flags)
      return true
    } catch (error) {
      if (!(error instanceof ConcertinaError) || error.code !== 'INVALID_TRACE') throw error
      first ??= error
      console.error(`concertina: left out, since it is not a trace: ${error.message}`)
      return false
    }
  })
  if (traces.length > 0) return traces
  throw (
    first ??
    invalidInput(
      'trace',
      'there is no trace in the folder',
      'files that end in .csv, .json, .log or .txt, or one of these and .gz',
    )
  )
}

/**
 * The traces that are named; of a folder, every file of a kind that traces have.
 * @param outputs files that the command writes: what an earlier run wrote there is no trace
 */
export function traceInputsOf(
  { trace, column, session, targetServers }: TraceEvaluationFlags,
  outputs: readonly (string | undefined)[] = [],
): TraceInput[] {
  const written = new Set(outputs.flatMap((file) => (file === undefined ? [] : [resolve(file)])))
  if (targetServers !== undefined) requireNumber('targetServers', targetServers, { above: 0 })
  const files = trace.flatMap((path) => {
    let isFolder: boolean
    try {
      isFolder = statSync(path).isDirectory()
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      throw new ConcertinaError('FILE_ACCESS', `--trace ${path}: cannot be read (${code})`, {
        hint: 'a trace or a folder of traces',
      })
    }
    if (isFolder) return tracesIn(path, written, { column, session })
    readNamedTrace(path, { column, session })
    return [path]
  })
  return files.map((file) => ({
    file,
    column,
    session,
    ...(targetServers !== undefined && { targetServers }),
  }))
}
