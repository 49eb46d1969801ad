import { setImmediate } from 'node:timers/promises'
import { type Candidate, type EvaluationSettings, evaluate, floorOf } from '../../backtest/evaluate.ts'
import type { LowerBound } from '../../backtest/lower-bound.ts'
import { type Recorded, recorded } from '../../backtest/replay.ts'
import { invalidInput } from '../../base/errors.ts'
import { type FigureTable, percent, tableText } from '../../report/comparison-table.ts'
import { decisionSentence } from '../../scaling/decision-words.ts'
import type { Decision } from '../../scaling/types.ts'
import { type LoggedRun, type LogLine, readDecisionLog } from '../decision-log.ts'
import { type EvaluationFlags, evaluationOf } from '../evaluation-flags.ts'
import { OutputFile, OutputFiles } from '../output-file.ts'

export interface ReplayFlags extends EvaluationFlags {
  policy?: string[]
  json?: string
  decisions?: string
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

function title(
  file: string,
  run: Recorded,
  flags: ReplayFlags,
  settings: EvaluationSettings,
  floor: LowerBound,
): string {
  const { usersPerServer, provisioningDelay, interval, minServers, maxServers } = settings
  const { attainable } = floor
  const seen =
    flags.provisioningDelay !== undefined
      ? ''
      : run.provisioningDelay === undefined
        ? ' (no start was seen)'
        : ' (as seen)'
  return (
    `${file}: ${+run.curve.duration.toFixed(1)} s under ${run.policy}, a decision every ${+interval.toFixed(2)} s, ${minServers} to ` +
    `${maxServers} servers; a server holds ${usersPerServer} users and starts in ${+provisioningDelay.toFixed(1)} s${seen}\n` +
    `the floor is ${attainable.serverHours.toPrecision(4)} server-hours at ${percent(attainable.overload, 3)} overload`
  )
}

function table(heading: string, rows: readonly Replayed[]): FigureTable {
  return {
    title: heading,
    head: ['policy', 'overload', 'server-hours', 'cost', 'events', 'peak'],
    rows: rows.map(({ policy, overload, serverHours, cost, scalingEvents, peakServers }) => [
      policy,
      overload === undefined ? '?' : percent(overload, 3),
      serverHours.toPrecision(4),
      `${cost.toFixed(2)} ×`,
      String(scalingEvents),
      String(peakServers),
    ]),
  }
}

/** What a single policy would have changed, in words. */
function events(decisions: readonly Decision[]): string[] {
  const changes = decisions.filter(({ action }) => action !== 'none')
  const lines = changes.slice(0, MOST_EVENTS).map((each) => decisionSentence(each))
  if (changes.length > MOST_EVENTS)
    lines.push(`… and ${changes.length - MOST_EVENTS} more (--decisions FILE keeps them all)`)
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
  const name = runs > 1 ? `${file}, the longest of ${runs} runs` : file
  const { settings, candidates } = termsOf(flags, run, logged)
  const asked = candidates(flags.policy)
  const single = asked.length === 1 ? asked[0] : undefined
  if (flags.decisions !== undefined && !single)
    throw invalidInput('--decisions', `${asked.length} policies are replayed`, 'together with one --policy')
  const files = new OutputFiles()
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
    }
    console.log(tableText(table(title(name, run, flags, settings, floor), rows)))
    if (rows.length <= asked.length) {
      console.error(`concertina: interrupted; ${rows.length - 1} of ${asked.length} policies are whole`)
      files.discard()
      return
    }
    if (single) console.log(['', ...events(decisions)].join('\n'))
    json?.commit(`${JSON.stringify({ settings, floor, replayed: rows }, undefined, 2)}\n`)
    const { policy, interval, minServers, maxServers } = { ...settings, policy: single?.name ?? '' }
    const head: LoggedRun = { kind: 'run', version: 1, policy, interval, minServers, maxServers }
    log?.commit([head, ...decisions].map((line) => `${JSON.stringify(line)}\n`).join(''))
  } catch (error) {
    files.discard()
    throw error
  }
}
