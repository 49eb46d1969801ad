import type { TraceFormat } from '../format.ts'
import { type Moment, momentIn } from '../moment.ts'
import { loadOfVisits, type Visit } from '../visits.ts'
import { traceWords } from '../words.ts'

/** Lines at the start of which one has to be a request: a server may log its own start first. */
const FIRST_LINES = 20
const LONGEST_START = 20_000

interface LineLog {
  readonly name: string
  readonly description: string
  /** With the groups `time`, `client` and, where there is one, `agent`; the first that matches a line reads it. */
  readonly lines: readonly RegExp[]
}

type Read = Visit & Pick<Moment, 'zoned'>

function visitIn(line: string, lines: readonly RegExp[]): Read | undefined {
  for (const pattern of lines) {
    const { time = '', client = '', agent = '' } = pattern.exec(line)?.groups ?? {}
    const at = momentIn(time)
    if (at) return { time: at.seconds, zoned: at.zoned, visitor: `${client} ${agent}` }
  }
  return undefined
}

/** A log with a line for each request, which names its time and its client. */
function lineLog({ name, description, lines }: LineLog): TraceFormat {
  return {
    name,
    description,
    matches: (text) =>
      text
        .slice(0, LONGEST_START)
        .split('\n')
        .filter((line) => line.trim() !== '')
        .slice(0, FIRST_LINES)
        .some((line) => visitIn(line, lines)),
    read(text, file, options) {
      const visits: Read[] = []
      let skipped = 0
      for (const line of text.split('\n')) {
        if (line.trim() === '') continue
        const visit = visitIn(line, lines)
        if (visit) visits.push(visit)
        else skipped++
      }
      const reading = loadOfVisits(visits, skipped, description, file, options)
      const zoneless = visits.some(({ zoned }) => !zoned)
      return zoneless ? { ...reading, notes: [...reading.notes, traceWords.say('zoneless')] } : reading
    },
  }
}

const LOG_TIME = String.raw`\d{1,2}\/[A-Za-z]{3}\/\d{4}:\d{2}:\d{2}:\d{2}`
const REQUEST_AND_AGENT = `(?:[^"]*"[^"]*"[^"]*"[^"]*" "(?<agent>[^"]*)")?`

/** Common and combined: the address, perhaps behind the name of a virtual host with its port, then the moment. */
export const accessLog = lineLog({
  name: 'access-log',
  description: 'access log of a web server, in the common or combined format',
  lines: [
    new RegExp(
      String.raw`^(?:[^\s:]+:\d+ (?=[\da-fA-F.:]+ ))?(?<client>\S+) \S+ .*?\[(?<time>${LOG_TIME} [+-]\d{4})\]${REQUEST_AND_AGENT}`,
    ),
  ],
})

/** Of AWS: for HTTP the kind of connection (not of a classic one), moment, name, client; for TLS the version before. */
export const loadBalancerLog = lineLog({
  name: 'load-balancer-log',
  description: 'access log of an application, network or classic load balancer of AWS',
  lines: [
    /^(?:(?:https?|h2|wss?|grpcs) )?(?<time>\d{4}-\d{2}-\d{2}T[\d:.]+Z) \S+ (?<client>\S+):\d+ \S+ [^"]*"[^"]*" "(?<agent>[^"]*)"/,
    /^tls \d\S* (?<time>\d{4}-\d{2}-\d{2}T[\d:.]+) \S+ \S+ (?<client>\S+):\d+ /,
  ],
})

/** HAProxy, by itself or behind what syslog puts before it; Envoy, where a proxy before it names the client. */
export const proxyLog = lineLog({
  name: 'proxy-log',
  description: 'log of HAProxy or Envoy, in their usual formats',
  lines: [
    new RegExp(
      String.raw`(?:^|\s)(?<client>[\da-fA-F.:]+):\d+ \[(?<time>${LOG_TIME}(?:\.\d+)?)\] \S+ \S+\/\S+ [-+\d]+\/`,
    ),
    /^\[(?<time>\d{4}-\d{2}-\d{2}T[\d:.]+Z)\] "[^"]*" \d+ \S+ (?:\S+ \S+ "[^"]*" )?\d+ \d+ \d+ \S+ "(?<client>[^",-][^",]*)[^"]*" "(?<agent>[^"]*)"/,
  ],
})
