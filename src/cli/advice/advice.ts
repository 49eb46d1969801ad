import { comparePolicies, type Evaluated, type TraceComparison } from '../../backtest/comparison.ts'
import type { Candidate, EvaluationSettings, TraceInput } from '../../backtest/evaluate.ts'
import type { Current } from './current.ts'

/** How a policy did on the trace, and on copies of it that it has not been chosen on. */
export interface Advised {
  readonly name: string
  readonly candidate: Candidate
  /** On the trace as it is. */
  readonly whole: Evaluated
  /** On every copy; empty for those that were not looked at further. */
  readonly copies: readonly Evaluated[]
  /** On how many, of the trace and its copies, it kept to the allowed overload. */
  readonly kept: number
}

export interface Advice {
  /** The lower bound of the trace. */
  readonly floor: TraceComparison['floor']
  /** Best first. */
  readonly ranked: readonly Advised[]
  readonly today: Advised | undefined
  readonly copies: number
}

/** Policies that are looked at on copies. */
const FINALISTS = 4

/** Copies of the trace: parts of it, fewer and more users. */
const COPIES: readonly Omit<TraceInput, 'file'>[] = [
  { part: [0, 0.5] },
  { part: [0.25, 0.75] },
  { part: [0.5, 1] },
  { scale: 0.5 },
  { scale: 0.75 },
  { scale: 1.5 },
  { scale: 2 },
]

interface AdviceOptions {
  readonly signal: AbortSignal
  readonly onProgress: (done: number, of: number) => void
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length

/** The most reliable first, and of those that are as reliable the cheapest. */
function byMerit(a: Advised, b: Advised): number {
  const cost = ({ whole, copies }: Advised) => mean([whole, ...copies].map(({ cost }) => cost))
  if (a.kept !== b.kept) return b.kept - a.kept
  return a.kept === 0 ? a.whole.result.overload - b.whole.result.overload : cost(a) - cost(b)
}

/**
 * Judges all candidates on a trace, the best of them on copies of it, and puts them in order: how often each keeps to the
 * allowed overload, then what it costs.
 * @returns nothing when it was aborted
 */
export async function advise(
  trace: TraceInput,
  candidates: readonly Candidate[],
  settings: EvaluationSettings,
  today: Current | undefined,
  { signal, onProgress }: AdviceOptions,
): Promise<Advice | undefined> {
  const copies = COPIES.map((copy): TraceInput => ({ ...trace, ...copy }))
  const finalists = Math.min(FINALISTS, candidates.length)
  const of = candidates.length + 1 + copies.length * (finalists + 1) + (today ? 2 * (copies.length + 1) : 0)
  let before = 0
  const compare = async (
    on: readonly TraceInput[],
    some: readonly Candidate[],
    under: EvaluationSettings,
  ) => {
    const compared = await comparePolicies(on, some, under, {
      signal,
      onProgress: (done) => onProgress(before + done, of),
    })
    before += on.length * (some.length + 1)
    return compared
  }
  const within = ({ result }: Evaluated) => result.overload <= settings.overload
  const advised = (candidate: Candidate, whole: Evaluated, others: readonly Evaluated[]): Advised => ({
    name: candidate.name,
    candidate,
    whole,
    copies: others,
    kept: [whole, ...others].filter(within).length,
  })

  const [whole] = await compare([trace], candidates, settings)
  if (!whole) return undefined
  const first = candidates.map((candidate, i) => advised(candidate, whole.evaluated[i]!, [])).sort(byMerit)
  const best = first.slice(0, finalists).map(({ candidate }) => candidate)
  const again = await compare(copies, best, settings)
  const own = today ? await compare([trace, ...copies], [today.candidate], today.settings) : []
  if (again.length < copies.length || (today && own.length <= copies.length)) return undefined
  const ranked = first.map((each) => {
    const i = best.indexOf(each.candidate)
    const others = again.flatMap(({ evaluated }) => evaluated[i] ?? [])
    return advised(each.candidate, each.whole, others)
  })
  const looked = ranked.slice(0, finalists).sort(byMerit)
  // What it costs is measured against the same lower bound as the others.
  const ownEvaluated = own.map(({ evaluated }, i): Evaluated => {
    const { attainable } = i === 0 ? whole.floor : again[i - 1]!.floor
    const [only] = evaluated
    return { ...only!, cost: only!.result.serverHours / attainable.serverHours }
  })
  return {
    floor: whole.floor,
    ranked: [...looked, ...ranked.slice(finalists)],
    today: today && advised(today.candidate, ownEvaluated[0]!, ownEvaluated.slice(1)),
    copies: copies.length,
  }
}
