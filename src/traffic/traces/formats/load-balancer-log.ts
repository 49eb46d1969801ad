import type { TraceFormat } from '../format.ts'
import { momentIn } from '../moment.ts'
import { loadOfVisits, type Visit } from '../visits.ts'

/** Kind of connection (not of a classic one), moment, name, client and its port; then the request and the browser in quotes. */
const LINE =
  /^(?:(?:https?|h2|wss?|grpcs) )?(\d{4}-\d{2}-\d{2}T[\d:.]+Z) \S+ (\S+):\d+ \S+ [^"]*"[^"]*" "([^"]*)"/

export const loadBalancerLog: TraceFormat = {
  name: 'load-balancer-log',
  description: 'access log of an application or classic load balancer of AWS',
  matches: (text) => LINE.test(text.slice(0, 10_000).trimStart()),
  read(text, file, options) {
    const visits: Visit[] = []
    let skipped = 0
    for (const line of text.split('\n')) {
      if (line.trim() === '') continue
      const [, moment = '', address, agent] = LINE.exec(line) ?? []
      const at = momentIn(moment)
      if (at) visits.push({ time: at.seconds, visitor: `${address} ${agent}` })
      else skipped++
    }
    return loadOfVisits(visits, skipped, this.description, file, options)
  },
}
