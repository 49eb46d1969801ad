import { setImmediate } from 'node:timers/promises'
import type { Decision } from '../../scaling/types.ts'
import { type Happened, type LoggedRun, type LogLine, readDecisionLog } from '../decision-log.ts'

export interface ExplainFlags {
  line?: number
  changes?: boolean
}

const LIMITS: Record<NonNullable<Decision['limitedBy']>, string> = {
  min: 'the fleet is never smaller',
  max: 'the fleet is never larger',
  cooldown: 'the last scaling event was too short a time ago',
  stabilization: 'it did not want so for long enough',
  step: 'one decision may change no more',
  'missing-metrics': 'nothing is removed while figures are missing',
}

const servers = (count: number) => `${count} ${count === 1 ? 'server' : 'servers'}`
const round = (value: number) => String(+value.toPrecision(5))
const at = (time: number) => `${+time.toFixed(2)} s`

/** One decision as a sentence with its numbers. */
export function sentence(decision: Decision): string {
  const { time, action, from, to, desired, load, policy, reason, limitedBy, numbers = {} } = decision
  const { forecast, shadow } = decision
  const users = load === undefined ? 'with the load unknown' : `with ${round(load)} users`
  const did = shadow
    ? action === 'none'
      ? `the shadow would have stayed at ${servers(from)}`
      : `the shadow would have gone from ${from} to ${servers(to)}`
    : action === 'none'
      ? `it stayed at ${servers(from)}`
      : `it went from ${from} to ${servers(to)}`
  const wish =
    desired === to ? '' : ` It wanted ${servers(desired)}${limitedBy ? `, but ${LIMITS[limitedBy]}` : ''}.`
  const ahead = forecast
    ? ` It expected ${round(forecast.expected)} users at ${at(forecast.time)}, and was ${round(forecast.confidence * 100)} % sure of ` +
      `${round(forecast.low)} to ${round(forecast.high)}.`
    : ''
  const finite = Object.entries(numbers).filter(([, value]) => Number.isFinite(value))
  const list = finite.map(([name, value]) => `${name} ${round(value)}`).join(', ')
  return `At ${at(time)}, ${users}, ${did}: ${policy} saw that ${reason}.${wish}${ahead}${list ? ` (${list})` : ''}`
}

function runSentence({ policy, interval, minServers, maxServers }: LoggedRun): string {
  return `A run under ${policy}, which decides every ${interval} s, with ${minServers} to ${servers(maxServers)}.`
}

const happened = ({ kind, time, text }: Happened) =>
  `At ${at(time)}${kind === 'hand' ? ', by hand' : ''}: ${text}.`

function sentenceOf(line: LogLine): string {
  if (!('kind' in line)) return sentence(line)
  return line.kind === 'run' ? runSentence(line) : happened(line)
}

/** Whether the fleet changed, or something happened to it; a decision of the shadow never does. */
const isChange = (line: LogLine) => 'kind' in line || (line.action !== 'none' && !line.shadow)

/** Lines after which it checks whether it was asked to stop. */
const LINES_AT_ONCE = 500

/** `concertina explain`: the lines of a decision log in words. */
export async function explain(
  file: string,
  { line, changes = false }: ExplainFlags,
  signal: AbortSignal,
): Promise<void> {
  let lines = 0
  for (const each of readDecisionLog(file, line)) {
    if (!changes || isChange(each)) console.log(sentenceOf(each))
    if (++lines % LINES_AT_ONCE === 0) await setImmediate()
    if (signal.aborted) return
  }
}
