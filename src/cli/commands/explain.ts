import { setImmediate } from 'node:timers/promises'
import type { Catalogue, Language } from '../../base/language.ts'
import { eventWords } from '../../control/event-words.ts'
import { secondsText as at, decisionSentence } from '../../scaling/decision-words.ts'
import { serversText as servers } from '../../scaling/reasons.ts'
import { type Happened, type LoggedRun, type LogLine, readDecisionLog } from '../decision-log.ts'
import { languageIn } from '../flags.ts'

export interface ExplainFlags {
  line?: number
  changes?: boolean
  lang?: Language
}

const en = {
  run: ({ policy, interval, minServers, maxServers }: LoggedRun) =>
    `A run under ${policy}, which decides every ${interval} s, with ${minServers} to ${servers(maxServers)}.`,
  happened: ({ kind, time, text }: Happened) =>
    `At ${at(time)}${kind === 'hand' ? ', by hand' : ''}: ${text}.`,
}

const zh: typeof en = {
  run: ({ policy, interval, minServers, maxServers }) =>
    `一次运行：策略 ${policy}，每 ${interval} s 决策一次，${minServers} 到 ${maxServers} 台服务器。`,
  happened: ({ kind, time, text }) =>
    `${at(time)}${kind === 'hand' ? '，由人工' : ''}：${eventWords.translate(text, 'zh')}。`,
}

const TEXTS: Catalogue<typeof en> = { en, zh }

function sentenceOf(line: LogLine, language: Language): string {
  if (!('kind' in line)) return decisionSentence(line, at, language)
  return line.kind === 'run' ? TEXTS[language].run(line) : TEXTS[language].happened(line)
}

/** Whether the fleet changed, or something happened to it; a decision of the shadow never does. */
const isChange = (line: LogLine) => 'kind' in line || (line.action !== 'none' && !line.shadow)

/** Lines after which it checks whether it should stop. */
const LINES_AT_ONCE = 500

/** `concertina explain`: the lines of a decision log in words. */
export async function explain(
  file: string,
  { line, changes = false, lang }: ExplainFlags,
  signal: AbortSignal,
): Promise<void> {
  const language = languageIn({ lang })
  let lines = 0
  for (const each of readDecisionLog(file, line)) {
    if (!changes || isChange(each)) console.log(sentenceOf(each, language))
    if (++lines % LINES_AT_ONCE === 0) await setImmediate()
    if (signal.aborted) return
  }
  // A run in which nothing changed writes no events.
  if (lines === 0) console.error(`concertina: ${file}: it is empty`)
}
