import { setImmediate } from 'node:timers/promises'
import { secondsText as at, decisionSentence } from '../../scaling/decision-words.ts'
import { serversText as servers } from '../../scaling/reasons.ts'
import { type Happened, type LoggedRun, type LogLine, readDecisionLog } from '../decision-log.ts'

export interface ExplainFlags {
  line?: number
  changes?: boolean
}

function runSentence({ policy, interval, minServers, maxServers }: LoggedRun): string {
  return `A run under ${policy}, which decides every ${interval} s, with ${minServers} to ${servers(maxServers)}.`
}

const happened = ({ kind, time, text }: Happened) =>
  `At ${at(time)}${kind === 'hand' ? ', by hand' : ''}: ${text}.`

function sentenceOf(line: LogLine): string {
  if (!('kind' in line)) return decisionSentence(line)
  return line.kind === 'run' ? runSentence(line) : happened(line)
}

/** Whether the fleet changed, or something happened to it; a decision of the shadow never does. */
const isChange = (line: LogLine) => 'kind' in line || (line.action !== 'none' && !line.shadow)

/** Lines after which it checks whether it should stop. */
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
