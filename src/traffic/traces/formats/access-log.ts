import type { TraceFormat } from '../format.ts'
import { momentIn } from '../moment.ts'
import { loadOfVisits, type Visit } from '../visits.ts'

/** Address, moment, and the browser where the line has it. */
const LINE =
  /^(\S+) \S+ .*?\[(\d{1,2}\/[A-Za-z]{3}\/\d{4}:\d{2}:\d{2}:\d{2} [+-]\d{4})\](?:[^"]*"[^"]*"[^"]*"[^"]*" "([^"]*)")?/

export const accessLog: TraceFormat = {
  name: 'access-log',
  description: 'access log of a web server, in the common or combined format',
  matches: (text) =>
    LINE.test(
      text
        .slice(0, 10_000)
        .split('\n')
        .find((line) => line.trim() !== '') ?? '',
    ),
  read(text, file, options) {
    const visits: Visit[] = []
    let skipped = 0
    for (const line of text.split('\n')) {
      if (line.trim() === '') continue
      const [, address, moment = '', agent = ''] = LINE.exec(line) ?? []
      const at = momentIn(moment)
      if (at) visits.push({ time: at.seconds, visitor: `${address} ${agent}` })
      else skipped++
    }
    return loadOfVisits(visits, skipped, this.description, file, options)
  },
}
