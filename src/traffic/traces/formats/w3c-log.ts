import { invalidTrace, type TraceFormat } from '../format.ts'
import { momentIn } from '../moment.ts'
import { loadOfVisits, type Visit } from '../visits.ts'

const FIELDS = /^#Fields:\s*(.+?)\s*$/
const NEEDED = ['date', 'time', 'c-ip'] as const

/** The log that IIS, CloudFront and others write: a line names the fields of those below it. Its times are UTC. */
export const w3cLog: TraceFormat = {
  name: 'w3c-log',
  description: 'access log in the W3C extended format, as of IIS and CloudFront',
  matches: (text) => /^#Fields:.*\bc-ip\b/m.test(text.slice(0, 4000)),
  read(text, file, options) {
    const visits: Visit[] = []
    let skipped = 0
    let fields: readonly string[] = []
    for (const [i, line] of text.split(/\r?\n/).entries()) {
      const named = FIELDS.exec(line)
      if (named) {
        fields = named[1]!.split(/\s+/)
        const missing = NEEDED.find((name) => !fields.includes(name))
        if (missing)
          throw invalidTrace(`${file}:${i + 1}`, `there is no field ${missing}`, 'date, time and c-ip')
      }
      if (line.startsWith('#') || line.trim() === '') continue
      const cells = line.split(/\s+/)
      const cell = (name: string) => cells[fields.indexOf(name)] ?? ''
      const at = cells.length === fields.length ? momentIn(`${cell('date')} ${cell('time')}`) : undefined
      if (at) visits.push({ time: at.seconds, visitor: `${cell('c-ip')} ${cell('cs(User-Agent)')}` })
      else skipped++
    }
    return loadOfVisits(visits, skipped, this.description, file, options)
  },
}
