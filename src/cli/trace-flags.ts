import type { Language } from '../base/language.ts'
import { readTrace, type Trace } from '../traffic/traces/trace.ts'
import { TRACE_TEXTS } from './trace-texts.ts'

/** How a trace is read. */
export interface ReadingFlags {
  column?: string | undefined
  session?: number | undefined
}

/** A time for people. */
export function span(seconds: number, language: Language = 'en'): string {
  const texts = TRACE_TEXTS[language]
  if (seconds >= 2 * 86_400) return texts.days((seconds / 86_400).toFixed(1))
  if (seconds >= 2 * 3600) return texts.hours((seconds / 3600).toFixed(1))
  if (seconds >= 120) return texts.minutes((seconds / 60).toFixed(1))
  return texts.seconds(String(Number(seconds.toFixed(1))))
}

/** What of a trace a person should know before trusting a result: missing values and gaps. */
function traceWarnings({ about }: Trace, language: Language): string[] {
  const { missing = 0, gaps = [] } = about ?? {}
  const texts = TRACE_TEXTS[language]
  const longest = Math.max(0, ...gaps.map(({ from, to }) => to - from))
  return [
    ...(missing > 0 ? [texts.missingValues(missing)] : []),
    ...(gaps.length > 0 ? [texts.bridged(gaps.length, span(longest, language))] : []),
  ]
}

/** Reads the trace that a flag names, and says on stderr what should be known before a result is trusted. */
export function readNamedTrace(
  file: string,
  { column, session }: ReadingFlags,
  language: Language = 'en',
): Trace {
  const trace = readTrace(file, { column, session })
  for (const line of traceWarnings(trace, language)) console.error(`concertina: ${file}: ${line}`)
  return trace
}
