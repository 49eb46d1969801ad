import { stringify } from 'yaml'
import { invalidInput, shown } from '../../base/errors.ts'
import { METRIC_NAMES, type MetricName } from '../import/imported.ts'
import { importPolicy } from '../import/read.ts'

export interface ImportFlags {
  metric?: string
  name?: string
  json?: boolean
}

const ORDER = ['taken', 'approximated', 'not supported'] as const

/** The metric that a flag names. */
export function metricFlag(metric: string | undefined): MetricName | undefined {
  const found = METRIC_NAMES.find((each) => each === metric)
  if (metric !== undefined && found === undefined)
    throw invalidInput('metric', `${shown(metric)} is not allowed`, METRIC_NAMES.join(', '))
  return found
}

/** `concertina import`: an existing scaling policy as our config, with a line for each of its fields. */
export async function importFile(file: string, { metric, name, json }: ImportFlags): Promise<void> {
  const { source, autoScaler, notes } = importPolicy(file, { metric: metricFlag(metric), name })
  if (json) {
    console.log(JSON.stringify({ source, config: { autoScaler }, fields: notes }, undefined, 2))
    return
  }
  const counts = ORDER.map(
    (verdict) => `${notes.filter((note) => note.verdict === verdict).length} ${verdict}`,
  )
  const width = Math.max(...notes.map(({ verdict }) => verdict.length))
  console.log(
    [
      `# ${shown(source, false)}: of its ${notes.length} fields ${counts.join(', ')}`,
      ...notes.map(({ path, verdict, text }) => `# ${verdict.padEnd(width)}  ${path}: ${shown(text, false)}`),
      ...(autoScaler.minServers === undefined && autoScaler.maxServers === undefined
        ? ['# minServers and maxServers are not in this file; the defaults are 2 and 10']
        : []),
      stringify({ autoScaler }, { aliasDuplicateObjects: false }).trimEnd(),
    ].join('\n'),
  )
}
