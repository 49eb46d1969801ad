import { comparePolicies } from '../../backtest/comparison.ts'
import { comparisonTables, paretoPoints, tableText, verdicts } from '../../report/comparison-table.ts'
import { htmlComparison } from '../../report/html-comparison.ts'
import { paretoSvg } from '../../report/pareto.ts'
import { countProgress } from '../count-progress.ts'
import { type JudgingFlags, judgingOf, playedOf } from '../evaluation-flags.ts'
import { OutputFile, OutputFiles } from '../output-file.ts'
import { ReportFile } from '../report-file.ts'

export interface CompareFlags extends JudgingFlags {
  policy?: string[]
  json?: string
  svg?: string
  report?: string
}

/** `concertina compare`: many policies on many traces, beside the cheapest fleet that had known the future. */
export async function compare(flags: CompareFlags, signal: AbortSignal): Promise<void> {
  const { terms, candidates } = judgingOf(flags)
  const input = playedOf(flags, [flags.json, flags.svg, flags.report])
  const judged = candidates(flags.policy)
  const files = new OutputFiles()
  const progress = countProgress('runs')
  try {
    const json = files.open(flags.json, (file) => new OutputFile('--json', file))
    const svg = files.open(flags.svg, (file) => new OutputFile('--svg', file))
    const report = files.open(flags.report, (file) => new ReportFile(file, flags.config))
    const { onProgress } = progress
    const courses = report !== undefined
    const compared = await comparePolicies(input, judged, terms, { signal, onProgress, courses })
    progress.end()
    if (compared.length > 0)
      console.log(
        [
          ...comparisonTables(compared, terms.overload).map(tableText),
          verdicts(compared, terms.overload).join('\n'),
        ].join('\n\n'),
      )
    if (signal.aborted) {
      console.error(`concertina: interrupted; ${compared.length} of ${input.length} traces are whole`)
      files.discard()
      return
    }
    const figures = { terms, traces: compared }
    json?.commit(`${JSON.stringify(figures, (key, value) => (key === 'course' ? undefined : value), 2)}\n`)
    svg?.commit(paretoSvg(paretoPoints(compared), terms.overload).text)
    report?.commitPage((repeat) => htmlComparison(compared, terms, repeat))
  } catch (error) {
    progress.end()
    files.discard()
    throw error
  }
}
