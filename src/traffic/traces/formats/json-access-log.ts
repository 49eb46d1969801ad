import { DECIMAL, invalidTrace, type TraceFormat } from '../format.ts'
import { epochUnit, momentIn } from '../moment.ts'
import { loadOfVisits, type Visit } from '../visits.ts'
import { traceWords } from '../words.ts'

/** Names as `plain` leaves them, and the fields of an object after a point; of several, the first that has a value. */
const TIMES = [
  'ts',
  'time',
  'timeiso8601',
  'timestamp',
  'timelocal',
  'startutc',
  'starttime',
  'startlocal',
  'msec',
  'datetime',
  'requesttime',
  'requesttimeepoch',
  'edgestarttimestamp',
]
const CLIENTS = [
  // What the server itself found to be the client comes before what a proxy says, and that before the other end.
  'clientip',
  'request.clientip',
  'realip',
  'httpxrealip',
  'httpxforwardedfor',
  'xforwardedfor',
  'request.headers.xforwardedfor',
  'clienthost',
  'clientaddr',
  'client.ip',
  'client.address',
  'client',
  'source.ip',
  'sourceip',
  'cip',
  'remoteip',
  'remoteaddr',
  'remoteaddress',
  'remotehost',
  'request.remoteip',
  'request.remoteaddr',
  'req.remoteaddress',
  'httprequest.remoteip',
  'downstreamremoteaddress',
  'remote',
  'ip',
]
const AGENTS = [
  'httpuseragent',
  'useragent',
  'useragent.original',
  'requestuseragent',
  'request.headers.useragent',
  'req.headers.useragent',
  'httprequest.useragent',
  'clientrequestuseragent',
  'csuseragent',
]
/** Lines at the start of which one has to be a request: a server may log its own start first. */
const FIRST_LINES = 20
/** A longer first line is a document of another kind. */
const LONGEST_LINE = 100_000
/** Objects within objects that are looked into. */
const DEEPEST = 3

type Fields = ReadonlyMap<string, string | number>

/** `Client_IP`, `client-ip` and `clientIp` are one name. */
const plain = (name: string) => name.toLowerCase().replace(/[^a-z0-9.]/g, '')

function collect(object: object, prefix: string, depth: number, fields: Map<string, string | number>): void {
  for (const [key, value] of Object.entries(object) as [string, unknown][]) {
    const name = prefix + plain(key)
    // Caddy has a list of values for each header.
    const one: unknown = Array.isArray(value) ? value[0] : value
    if (typeof one === 'number' || (typeof one === 'string' && one !== '' && one !== '-')) {
      if (!fields.has(name)) fields.set(name, one)
    } else if (typeof one === 'object' && one !== null && depth < DEEPEST)
      collect(one, `${name}.`, depth + 1, fields)
  }
}

/** The fields of a line that is a JSON object. */
function fieldsIn(line: string): Fields | undefined {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const fields = new Map<string, string | number>()
  collect(value, '', 1, fields)
  return fields
}

/** Seconds since 1970 of a moment with a time of day, or of a number since 1970. */
function secondsIn(value: string | number | undefined): { seconds: number; zoned: boolean } | undefined {
  if (typeof value === 'number' || DECIMAL.test(value ?? '')) {
    const unit = epochUnit(Number(value))
    return unit && { seconds: Number(value) * unit.factor, zoned: true }
  }
  return value?.includes(':') ? momentIn(value) : undefined
}

function timeOf(fields: Fields): { seconds: number; zoned: boolean } | undefined {
  for (const name of TIMES) {
    const found = secondsIn(fields.get(name))
    if (found) return found
  }
  // CloudFront has the day and the time of day apart.
  const apart = secondsIn(`${fields.get('date')} ${fields.get('time')}`)
  return apart ?? secondsIn(fields.get('date'))
}

/** The address alone: the first of those that proxies passed on, without its port. */
function addressOf(fields: Fields): string | undefined {
  const name = CLIENTS.find((each) => typeof fields.get(each) === 'string')
  if (name === undefined) return undefined
  const first = String(fields.get(name)).split(',')[0]!.trim()
  return /^\[(.+)\](?::\d+)?$/.exec(first)?.[1] ?? /^([^:]+):\d+$/.exec(first)?.[1] ?? first
}

function visitIn(line: string): (Visit & { zoned: boolean }) | undefined {
  const fields = fieldsIn(line)
  const at = fields && timeOf(fields)
  const address = fields && addressOf(fields)
  if (!at || address === undefined) return undefined
  const agent = AGENTS.find((each) => fields.has(each))
  const browser = agent === undefined ? '' : fields.get(agent)
  return { time: at.seconds, visitor: `${address} ${browser}`, zoned: at.zoned }
}

/** The log of a web server, proxy or load balancer with one JSON object on each line. */
export const jsonAccessLog: TraceFormat = {
  name: 'json-access-log',
  description: 'access log of a web server, one JSON object on each line with a time and a client',
  matches(text) {
    if (!/^\s*\{/.test(text)) return false
    const lines = text
      .slice(0, LONGEST_LINE)
      .split('\n')
      .filter((line) => line.trim() !== '')
      .slice(0, FIRST_LINES)
    // Objects on lines of their own are no other format; that none is a request is noted when they are read.
    return lines.some(visitIn) || lines.slice(0, 2).filter(fieldsIn).length === 2
  },
  read(text, file, options) {
    const visits: Visit[] = []
    let skipped = 0
    let zoneless = false
    for (const line of text.split('\n')) {
      if (line.trim() === '') continue
      const visit = visitIn(line)
      if (!visit) {
        skipped++
        continue
      }
      visits.push({ time: visit.time, visitor: visit.visitor })
      zoneless ||= !visit.zoned
    }
    if (visits.length === 0)
      throw invalidTrace(
        file,
        'no line is a request with a time and a client',
        'a time (ts, time, time_iso8601, timestamp, StartUTC, msec) and a client (client_ip, remote_addr, remote_ip, ClientHost)',
      )
    const reading = loadOfVisits(visits, skipped, this.description, file, options)
    return zoneless ? { ...reading, notes: [...reading.notes, traceWords.say('zoneless')] } : reading
  },
}
