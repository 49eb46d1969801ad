import { stringify } from 'yaml'
import { invalidInput } from '../errors.ts'
import { contenderOf, curveOf, judge, type Played, type Terms } from '../simulation/judge.ts'
import { performAll } from '../simulation/task-pool.ts'
import { searchSpace, type Tuned } from '../simulation/tuning.ts'
import { type JudgingFlags, percent, playedOf, termsOf } from './judging.ts'

export interface TuneFlags extends JudgingFlags {
  policy: string
}

/** The share of a trace that is searched on; the rest tests what was found. */
const TRAIN = 0.7

function report(where: string, played: Played, tuned: Tuned, terms: Terms): string {
  const { overload, serverHours, scalingEvents } = judge(
    curveOf(played, terms.usersPerServer),
    tuned.contender,
    terms,
  )
  return `# ${where}: ${percent(overload, 3)} of user-time above capacity, ${serverHours.toFixed(1)} server-hours, ${scalingEvents} scaling events`
}

/** `concertina tune`: searches a policy's parameters on the first part of a trace, and tests them on the rest. */
export async function tunePolicy(flags: TuneFlags, signal: AbortSignal): Promise<void> {
  const terms = termsOf(flags)
  const [played, ...more] = playedOf(flags)
  if (!played || more.length > 0) throw invalidInput('trace', 'there are several', 'one trace')
  const contender = contenderOf(flags.policy, terms)
  const space = searchSpace(flags.policy, terms)
  const train: Played = { ...played, part: [0, TRAIN] }
  const [outcome] = await performAll([{ kind: 'tune', played: train, terms, contender, space }], { signal })
  if (outcome?.kind !== 'tune') return
  const { tuned } = outcome
  const { scaleDownStabilization, policy } = tuned.contender
  const { interval, minServers, maxServers } = terms
  const config = {
    autoScaler: {
      policy,
      interval,
      minServers,
      maxServers,
      ...(scaleDownStabilization !== undefined && { scaleDownStabilization }),
    },
  }
  console.log(
    [
      `# The ${tuned.within ? 'cheapest' : 'least overloaded (none keeps to the allowed overload)'} of ${tuned.tried} settings`,
      report(`on the first ${TRAIN * 100} % of the trace`, train, tuned, terms),
      report('on the rest, which it has not seen', { ...played, part: [TRAIN, 1] }, tuned, terms),
      stringify(config).trimEnd(),
    ].join('\n'),
  )
}
