import { invalidTrace, type TraceFormat } from './format.ts'
import { accessLog } from './formats/access-log.ts'
import { cloudwatch } from './formats/cloudwatch.ts'
import { csv } from './formats/csv.ts'
import { gatling } from './formats/gatling.ts'
import { jsonAccessLog } from './formats/json-access-log.ts'
import { k6Json } from './formats/k6-json.ts'
import { loadBalancerLog } from './formats/load-balancer-log.ts'
import { openMetrics } from './formats/openmetrics.ts'
import { parseJson, prometheus } from './formats/prometheus.ts'

/** The registry: a line for each format. The first that matches reads the file. */
export const TRACE_FORMATS: readonly TraceFormat[] = [
  k6Json,
  jsonAccessLog,
  prometheus,
  cloudwatch,
  gatling,
  openMetrics,
  accessLog,
  loadBalancerLog,
  csv,
]

/** The format that `text` is in. */
export function formatOf(text: string, file: string): TraceFormat {
  const found = TRACE_FORMATS.find((format) => format.matches(text))!
  if (found === csv && /^\s*[[{]/.test(text)) {
    parseJson(text, file)
    throw invalidTrace(file, 'this JSON is of no format that is known', ANY_FORMAT)
  }
  return found
}

/** What a trace may be, for messages and help. */
export const ANY_FORMAT = TRACE_FORMATS.map(({ description }) => description).join('; ')
