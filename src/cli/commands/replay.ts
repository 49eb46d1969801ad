import { setImmediate } from 'node:timers/promises'
import { type Candidate, evaluate, floorOf } from '../../backtest/evaluate.ts'
import { type Recorded, recorded } from '../../backtest/replay.ts'
import { invalidInput } from '../../base/errors.ts'
import type { Language } from '../../base/language.ts'
import type { Decision } from '../../pipeline/items.ts'
import { type FigureTable, percent, tableText } from '../../report/comparison-table.ts'
import { decisionSentence } from '../../scaling/decision-words.ts'
import { countProgress } from '../count-progress.ts'
import { type LoggedRun, type LogLine, readDecisionLog } from '../decision-log.ts'
import { type EvaluationFlags, evaluationOf } from '../evaluation-flags.ts'
import { type LogFlags, languageIn } from '../flags.ts'
import { OutputFile, OutputFiles } from '../output-file.ts'
import { type ReplayTexts, replayTexts } from '../replay-texts.ts'

export interface ReplayFlags extends EvaluationFlags, LogFlags {
  policy?: string[]
  json?: string
  decisions?: string
  lang?: Language
}

/** Scaling events of a single policy that are printed. */
const MOST_EVENTS = 30

/** A policy's part in a replay. */
interface Replayed {
  readonly policy: string
  /** Absent where the log does not have the number of ready servers. */
  readonly overload: number | undefined
  readonly serverHours: number
  /** Server-hours over those of the floor. */
  readonly cost: number
  readonly scalingEvents: number
  readonly peakServers: number
}

const isDecision = (line: LogLine): line is Decision => !('kind' in line) && !line.shadow

/** The conditions: flags first, then what the log has, then defaults. */
function termsOf(flags: ReplayFlags, run: Recorded, logged: LoggedRun | undefined) {
  const evaluation = evaluationOf({
    ...flags,
    interval: flags.interval ?? run.interval,
    provisioningDelay: flags.provisioningDelay ?? run.provisioningDelay,
    minServers: flags.minServers ?? logged?.minServers,
    maxServers: flags.maxServers ?? logged?.maxServers,
  })
  return { ...evaluation, settings: { ...evaluation.settings, initialServers: run.initialServers } }
}

function table(heading: string, rows: readonly Replayed[], { head, asItWas }: ReplayTexts): FigureTable {
  return {
    title: heading,
    head,
    rows: rows.map(({ policy, overload, serverHours, cost, scalingEvents, peakServers }, i) => [
      i === 0 ? asItWas : policy,
      overload === undefined ? '?' : percent(overload, 3),
      serverHours.toPrecision(4),
      `${cost.toFixed(2)} ×`,
      String(scalingEvents),
      String(peakServers),
    ]),
  }
}

/** What a single policy would have changed, in words. */
function events(decisions: readonly Decision[], language: Language): string[] {
  const changes = decisions.filter(({ action }) => action !== 'none')
  const lines = changes.slice(0, MOST_EVENTS).map((each) => decisionSentence(each, undefined, language))
  if (changes.length > MOST_EVENTS) lines.push(replayTexts(language).more(changes.length - MOST_EVENTS))
  return lines
}

/** What a log has of a run. */
interface Logged {
  readonly run?: LoggedRun
  readonly decided: Decision[]
}

/** The longest run of a log; of each decision only what is needed, since there may be millions. */
function read(file: string): Logged & { runs: number } {
  let [current, longest]: [Logged, Logged] = [{ decided: [] }, { decided: [] }]
  let runs = 0
  for (const line of readDecisionLog(file)) {
    if (isDecision(line)) {
      const { time, action, from, to, ready, desired, load, policy } = line
      current.decided.push({ time, action, from, to, ready, desired, load, policy, reason: '' })
    } else if ('kind' in line && line.kind === 'run') {
      current = { run: line, decided: [] }
      runs++
    }
    if (current.decided.length > longest.decided.length) longest = current
  }
  return { ...longest, runs }
}

/** `concertina replay`: what other policies would have done with the load in a decision log. */
export async function replay(file: string, flags: ReplayFlags, signal: AbortSignal): Promise<void> {
  const { run: logged, decided, runs } = read(file)
  const run = recorded(decided, file)
  const language = languageIn(flags)
  const texts = replayTexts(language)
  const { settings, candidates } = termsOf(flags, run, logged)
  const asked = candidates(flags.policy)
  const single = asked.length === 1 ? asked[0] : undefined
  if (flags.decisions !== undefined && !single)
    throw invalidInput('--decisions', `${asked.length} policies are replayed`, 'together with one --policy')
  const files = new OutputFiles()
  const progress = countProgress('policies', flags)
  try {
    const json = files.open(flags.json, (path) => new OutputFile('--json', path))
    const log = files.open(flags.decisions, (path) => new OutputFile('--decisions', path))
    const floor = floorOf(run.curve, settings)
    const floorHours = floor.attainable.serverHours
    const decisions: Decision[] = []
    const play = (candidate: Candidate): Replayed => {
      const onDecision = single && ((decision: Decision) => void decisions.push(decision))
      const result = evaluate(run.curve, candidate, settings, { onDecision })
      return { policy: candidate.name, ...result, cost: result.serverHours / floorHours }
    }
    const { serverHours, scalingEvents, peakServers } = run
    const was: Replayed = {
      policy: 'as it was',
      overload: run.overload(settings.usersPerServer),
      serverHours,
      cost: serverHours / floorHours,
      scalingEvents,
      peakServers,
    }
    const rows = [was]
    for (const candidate of asked) {
      await setImmediate() // a signal is heard
      if (signal.aborted) break
      rows.push(play(candidate))
      progress.onProgress(rows.length - 1, asked.length)
    }
    progress.end()
    const heading = texts.heading({
      file: runs > 1 ? texts.whichRun(file, runs) : file,
      seconds: run.curve.duration,
      policy: run.policy,
      settings,
      delay:
        flags.provisioningDelay !== undefined
          ? 'given'
          : run.provisioningDelay !== undefined
            ? 'seen'
            : 'default',
      serverHours: floorHours.toPrecision(4),
      overload: percent(floor.attainable.overload, 3),
    })
    if (!flags.quiet) console.log(tableText(table(heading, rows, texts)))
    if (rows.length <= asked.length) {
      console.error(`concertina: interrupted; ${rows.length - 1} of ${asked.length} policies are whole`)
      files.discard()
      return
    }
    if (single && !flags.quiet) console.log(['', ...events(decisions, language)].join('\n'))
    json?.commit(`${JSON.stringify({ settings, floor, replayed: rows }, undefined, 2)}\n`)
    const { policy, interval, minServers, maxServers } = { ...settings, policy: single?.name ?? '' }
    const head: LoggedRun = { kind: 'run', version: 1, policy, interval, minServers, maxServers }
    log?.commit([head, ...decisions].map((line) => `${JSON.stringify(line)}\n`).join(''))
  } catch (error) {
    progress.end()
    files.discard()
    throw error
  }
}
