import { stringify } from 'yaml'
import type { Candidate, EvaluationSettings, TraceInput } from '../../backtest/evaluate.ts'
import { tuningOptions } from '../../backtest/evaluation-options.ts'
import type { FluidResult } from '../../backtest/fluid.ts'
import { type Dimension, LIMIT_PATHS, mayHave, searchSpace } from '../../backtest/search-space.ts'
import { TaskPool } from '../../backtest/task-pool.ts'
import { type Tuned, tune } from '../../backtest/tuning.ts'
import { invalidInput } from '../../base/errors.ts'
import { percent } from '../../report/comparison-table.ts'
import { POLICY_KEYS } from '../../scaling/policies.ts'
import { countProgress } from '../count-progress.ts'
import { evaluationOf, type TraceEvaluationFlags, traceInputsOf } from '../evaluation-flags.ts'
import type { LogFlags } from '../flags.ts'

export interface TuneFlags extends TraceEvaluationFlags, LogFlags {
  policy: string
  search?: string[]
  train?: number
}

/** Rounds around the best of the grid. */
const ROUNDS = 3

/** The values that `--search PATH=v1,v2` names. */
function dimensionOf(text: string, base: Candidate): Dimension {
  const wrong = (what: string, allowed: string) => invalidInput(`--search ${text}`, what, allowed)
  const [path = '', list = '', ...more] = text.split('=')
  if (path === '' || list === '' || more.length > 0) throw wrong('it names no values', 'PATH=v1,v2,…')
  const values = list.split(',').map((each) => {
    if (each === 'none') return undefined
    const value = each.trim() === '' ? Number.NaN : Number(each)
    if (!Number.isFinite(value)) throw wrong(`${JSON.stringify(each)} is not a number`, 'numbers, or none')
    return value
  })
  const { kind } = base.policy
  const keys = [...(POLICY_KEYS.get(kind) ?? []), ...LIMIT_PATHS]
  if (!keys.includes(path.split('.')[0]!)) throw wrong(`${kind} has no such option`, keys.join(', '))
  if (!values.some((value) => mayHave(base, path, value)))
    throw wrong(`${kind} takes none of these values`, 'values that a config may have there')
  return { path, values: [...new Set(values)] }
}

/** What is searched: what was given, or the default of the policy. */
function spaceOf({ search }: TuneFlags, base: Candidate, settings: EvaluationSettings): Dimension[] {
  if (search) {
    const given = search.map((each) => dimensionOf(each, base))
    const twice = given.find(({ path }, i) => given.findIndex((other) => other.path === path) < i)
    if (twice)
      throw invalidInput('--search', `${twice.path} is given twice`, 'all values of an option at once')
    return given
  }
  const space = searchSpace(base.policy, settings)
  if (space.length > 0) return space
  throw invalidInput(
    '--policy',
    `there is nothing that is usually searched for ${base.policy.kind}`,
    `--search PATH=v1,v2,… with ${[...(POLICY_KEYS.get(base.policy.kind) ?? []), ...LIMIT_PATHS].join(', ')}`,
  )
}

const line = (where: string, { overload, serverHours, scalingEvents }: FluidResult) =>
  `# ${where}: ${percent(overload, 3)} of user-time above capacity, ${serverHours.toFixed(1)} server-hours, ${scalingEvents} scaling events`

/** The options at the edge of what was tried, where a wider search might find more. */
function atEdge({ setting }: Tuned, space: readonly Dimension[]): string[] {
  return space.flatMap(({ path, values }) => {
    const numbers = values.filter((value) => value !== undefined)
    const at = setting[path]
    const edge = numbers.length > 1 && (at === Math.min(...numbers) || at === Math.max(...numbers))
    return edge ? [`${path} ${at}`] : []
  })
}

/** The run's config: the policy with its limits, and the conditions that it was tuned for. */
export function configOf(
  { policy, limits }: Candidate,
  { interval, minServers, maxServers, provisioningDelay }: EvaluationSettings,
) {
  return {
    autoScaler: { policy, interval, minServers, maxServers, ...limits },
    server: { startupDelay: provisioningDelay },
  }
}

/** `concertina tune`: searches a policy's parameters on the first part of a trace, and tests them on the rest. */
export async function tunePolicy(flags: TuneFlags, signal: AbortSignal): Promise<void> {
  const { settings, candidates } = evaluationOf(flags)
  const [base] = candidates([flags.policy]) as [Candidate]
  const { train: share } = tuningOptions.parse(tuningOptions.given(flags))
  const [input, ...more] = traceInputsOf(flags)
  if (!input || more.length > 0) throw invalidInput('trace', 'there are several', 'one trace')
  const space = spaceOf(flags, base, settings)
  const train: TraceInput = { ...input, part: [0, share] }
  const test: TraceInput = { ...input, part: [share, 1] }
  const pool = new TaskPool({ signal })
  const progress = countProgress('settings', flags)
  try {
    const { onProgress } = progress
    const rounds = flags.search ? 0 : ROUNDS
    const tuned = await tune(pool, train, base, settings, space, { rounds, onProgress })
    const { candidate } = tuned ?? {}
    const [tested] =
      candidate && share < 1
        ? await pool.perform([{ kind: 'evaluate', input: test, settings, candidate }])
        : []
    progress.end()
    if (signal.aborted) console.error('concertina: interrupted')
    if (!tuned) return
    const edge = atEdge(tuned, space)
    const comments = [
      `# The ${tuned.within ? 'cheapest' : 'least overloaded (none keeps to the allowed overload)'} of ${tuned.tried} settings`,
      line(`on the first ${+(share * 100).toPrecision(3)} % of the trace`, tuned.result),
      ...(tested?.kind === 'evaluate' ? [line('on the rest, which it has not seen', tested.result)] : []),
      ...(edge.length > 0 ? [`# at the edge of what was tried: ${edge.join(', ')}`] : []),
    ]
    const config = stringify(configOf(tuned.candidate, settings)).trimEnd()
    console.log([...(flags.quiet ? [] : comments), config].join('\n'))
  } finally {
    progress.end()
    await pool.close()
  }
}
