import { readTrace, type Trace } from '../traffic/traces/trace.ts'

/** How a trace is read. */
export interface ReadingFlags {
  column?: string | undefined
  session?: number | undefined
}

/** A time for people. */
export function span(seconds: number): string {
  if (seconds >= 2 * 86_400) return `${(seconds / 86_400).toFixed(1)} days`
  if (seconds >= 2 * 3600) return `${(seconds / 3600).toFixed(1)} h`
  if (seconds >= 120) return `${(seconds / 60).toFixed(1)} min`
  return `${Number(seconds.toFixed(1))} s`
}

/** What of a trace a person should know before trusting a result: missing values and gaps. */
function traceWarnings({ about }: Trace): string[] {
  const { missing = 0, gaps = [] } = about ?? {}
  const longest = Math.max(0, ...gaps.map(({ from, to }) => to - from))
  return [
    ...(missing > 0 ? [`${missing} values are missing and were left out`] : []),
    ...(gaps.length > 0
      ? [
          `${gaps.length} ${gaps.length === 1 ? 'gap' : 'gaps'}, the longest ${span(longest)}: a straight line is assumed there`,
        ]
      : []),
  ]
}

/** Reads the trace that a flag names, and says on stderr what should be known before a result is trusted. */
export function readNamedTrace(file: string, { column, session }: ReadingFlags): Trace {
  const trace = readTrace(file, { column, session })
  for (const line of traceWarnings(trace)) console.error(`concertina: ${file}: ${line}`)
  return trace
}
