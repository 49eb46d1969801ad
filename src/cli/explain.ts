import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { ConcertinaError, invalidInput } from '../errors.ts'
import type { Decision } from '../scaling/decision.ts'

const decisionSchema = z.object({
  time: z.number(),
  action: z.enum(['scale_up', 'scale_down', 'none']),
  from: z.number(),
  to: z.number(),
  wanted: z.number(),
  load: z.number().optional(),
  policy: z.string(),
  reason: z.string(),
  limitedBy: z.enum(['min', 'max', 'cooldown', 'stabilization', 'step', 'missing-metrics']).optional(),
  numbers: z.record(z.string(), z.number().nullable()).optional(),
})

const LIMITS: Record<NonNullable<Decision['limitedBy']>, string> = {
  min: 'the fleet is never smaller',
  max: 'the fleet is never larger',
  cooldown: 'the last scaling event was too short a time ago',
  stabilization: 'it did not want so for long enough',
  step: 'one decision may change no more',
  'missing-metrics': 'nothing is removed while figures are missing',
}

const servers = (count: number) => `${count} ${count === 1 ? 'server' : 'servers'}`

/** One decision as a sentence with its numbers. */
function sentence({
  time,
  action,
  from,
  to,
  wanted,
  load,
  policy,
  reason,
  limitedBy,
  numbers = {},
}: Decision): string {
  const users = load === undefined ? 'with the load unknown' : `with ${load} users`
  const did = action === 'none' ? `it stayed at ${servers(from)}` : `it went from ${from} to ${servers(to)}`
  const wish =
    wanted === to ? '' : ` It wanted ${servers(wanted)}${limitedBy ? `, but ${LIMITS[limitedBy]}` : ''}.`
  const told = Object.entries(numbers).filter(([, value]) => Number.isFinite(value))
  const list = told.map(([name, value]) => `${name} ${+value.toPrecision(5)}`).join(', ')
  return `At ${+time.toFixed(2)} s, ${users}, ${did}: ${policy} saw that ${reason}.${wish}${list ? ` (${list})` : ''}`
}

/** `concertina explain`: the decisions of a log in words. */
export async function explain(file: string, line: number | undefined): Promise<void> {
  let text: string
  try {
    text = readFileSync(file === '-' ? 0 : file, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new ConcertinaError('FILE_ACCESS', `${file}: cannot be read (${code})`, {
      hint: 'a decision log, as --events writes it',
    })
  }
  const lines = text.split('\n')
  if (lines.at(-1) === '') lines.pop()
  if (line !== undefined && !(Number.isInteger(line) && line >= 1 && line <= lines.length)) {
    throw invalidInput('line', `there is no line ${line}`, `1 to ${lines.length}`)
  }
  const told = lines.map((each, i) => {
    if (line !== undefined && line !== i + 1) return undefined
    try {
      return sentence(decisionSchema.parse(JSON.parse(each)) as Decision)
    } catch {
      throw new ConcertinaError('INVALID_INPUT', `${file}:${i + 1}: this is no decision`, {
        hint: 'lines of a decision log, as --events writes it',
      })
    }
  })
  for (const each of told) if (each !== undefined) console.log(each)
}
