import { invalidTrace, type TraceFormat } from './format.ts'
import { cloudwatch } from './formats/cloudwatch.ts'
import { csv } from './formats/csv.ts'
import { gatling } from './formats/gatling.ts'
import { jsonAccessLog } from './formats/json-access-log.ts'
import { k6Json } from './formats/k6-json.ts'
import { accessLog, loadBalancerLog, proxyLog } from './formats/line-logs.ts'
import { openMetrics } from './formats/openmetrics.ts'
import { parseJson, prometheus } from './formats/prometheus.ts'
import { w3cLog } from './formats/w3c-log.ts'

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
  proxyLog,
  w3cLog,
  csv,
]

/** Characters in which a file says what it is. */
const LONGEST_START = 100_000

/** What people have beside the file that is needed. */
const OTHERS: readonly { readonly is: RegExp; readonly what: string; readonly instead: string }[] = [
  {
    is: /^\s*\{[\s\S]*"metrics"\s*:\s*\{[\s\S]*"(vus|http_reqs|iterations|data_sent)"\s*:\s*\{/,
    what: 'the summary of a run of k6, without times',
    instead: 'what k6 run --out csv=FILE or --out json=FILE writes',
  },
  {
    is: /^"?Type"?,"?Name"?,"?Request Count"?/,
    what: 'the statistics of a run of Locust, without times',
    instead: 'the file …_stats_history.csv beside it',
  },
  {
    is: /^\s*(var stats = )?\{\s*"?type"?\s*:\s*"GROUP"/,
    what: 'the statistics of a run of Gatling, without times',
    instead: 'simulation.log up to Gatling 3.11, or js/all_sessions.js of the report',
  },
  {
    is: /^\s*<(!doctype html|html)\b/i,
    what: 'a web page, such as the form of a log-in',
    instead: 'the data itself, downloaded by someone who is logged in',
  },
]

/** The format that `text` is in. */
export function formatOf(text: string, file: string): TraceFormat {
  const other = OTHERS.find(({ is }) => is.test(text.slice(0, LONGEST_START)))
  if (other) throw invalidTrace(file, `it is ${other.what}`, other.instead)
  const found = TRACE_FORMATS.find((format) => format.matches(text))!
  if (found === csv && /^\s*[[{]/.test(text)) {
    parseJson(text, file)
    throw invalidTrace(file, 'this JSON is of no format that is known', ANY_FORMAT)
  }
  return found
}

/** What a trace may be, for messages and help. */
export const ANY_FORMAT = TRACE_FORMATS.map(({ description }) => description).join('; ')
