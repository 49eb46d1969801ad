import { paretoSvg } from '../report/pareto.ts'
import { comparePolicies, type TraceComparison } from '../simulation/comparison.ts'
import { contenderOf } from '../simulation/judge.ts'
import {
  countProgress,
  type JudgingFlags,
  percent,
  playedOf,
  STANDALONE_POLICIES,
  termsOf,
} from './judging.ts'
import { OutputFile } from './output-file.ts'

export interface CompareFlags extends JudgingFlags {
  policy?: string[]
  json?: string
  svg?: string
}

/** Columns of equal width; the first to the left, the others to the right. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)))
  const line = (row: readonly string[]) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  ')
  return rows.map(line).join('\n')
}

function traceTable({ trace, floor, judged }: TraceComparison): string {
  const { attainable, feasible } = floor
  const head = ['policy', 'overload', 'cost', 'events', 'peak', 'θ_U', 'θ_O', 'τ_U', 'τ_O', 'υ']
  const rows = judged.map(({ policy, result, cost }) => {
    const { elasticity: e } = result
    return [
      policy,
      percent(result.overload, 3),
      `${cost.toFixed(2)} ×`,
      String(result.scalingEvents),
      String(result.peakServers),
      percent(e.underProvisioningAccuracy, 1),
      percent(e.overProvisioningAccuracy, 1),
      percent(e.underProvisioningTimeShare, 1),
      percent(e.overProvisioningTimeShare, 1),
      percent(e.instability, 1),
    ]
  })
  const what = `${attainable.serverHours.toFixed(1)} server-hours at ${percent(attainable.overload, 3)} overload`
  return `${trace}: the floor is ${what}${feasible ? '' : ', the least there can be'}\n${table([head, ...rows])}`
}

/** `concertina compare`: many policies on many traces, beside the cheapest fleet that had known the future. */
export async function compare(flags: CompareFlags, signal: AbortSignal): Promise<void> {
  const terms = termsOf(flags)
  const played = playedOf(flags)
  const contenders = (flags.policy ?? STANDALONE_POLICIES).map((kind) => contenderOf(kind, terms))
  const files: OutputFile[] = []
  const progress = countProgress()
  try {
    const json = flags.json === undefined ? undefined : new OutputFile('--json', flags.json)
    if (json) files.push(json)
    const svg = flags.svg === undefined ? undefined : new OutputFile('--svg', flags.svg)
    if (svg) files.push(svg)
    const compared = await comparePolicies(played, contenders, terms, {
      signal,
      onProgress: progress.onProgress,
    })
    progress.end()
    console.log(compared.map(traceTable).join('\n\n'))
    json?.commit(`${JSON.stringify({ terms, traces: compared }, undefined, 2)}\n`)
    const points = compared.flatMap(({ trace, judged }) =>
      judged.map(({ policy, result, cost }) => ({
        group: policy,
        label: trace,
        overload: result.overload,
        cost,
      })),
    )
    svg?.commit(paretoSvg(points, terms.overload))
  } catch (error) {
    progress.end()
    for (const file of files) file.discard()
    throw error
  }
}
