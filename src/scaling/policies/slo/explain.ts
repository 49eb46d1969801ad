import { reasons } from '../../reasons.ts'
import type { Choice } from './candidate-fleets.ts'

/** What a size did, and why it did not shrink. */
export type Step = 'learning' | 'grows' | 'fits' | 'rising' | 'starting' | 'close' | 'shrinks'

/** The steps that are said beside what it holds: why it did not shrink. */
const SAID = ['learning', 'rising', 'starting', 'close'] as const
const isSaid = (step: Step): step is (typeof SAID)[number] => (SAID as readonly Step[]).includes(step)

interface Explained {
  readonly servers: number
  /** Users that they hold. */
  readonly room: number
  readonly load: number
  readonly expected: number
  /** Seconds. */
  readonly horizon: number
  /** Users that the fleet may be short of when the last server comes late. */
  readonly lag: number
  readonly spare: number
  readonly spareCost: number | undefined
  readonly step: Step
  readonly choice: Choice | undefined
  readonly level: number
  readonly realised: number
}

const percent = (share: number) => (share * 100).toFixed(3)

/** The decision as a sentence: what it does, why, and what it has spent. */
export function explain(of: Explained): string {
  const { servers, choice, spare, spareCost } = of
  const count = servers
  const holding = { count, room: of.room.toFixed(0), load: of.load.toFixed(0) }
  const held = count === 1 ? reasons.say('holdsOne', holding) : reasons.say('hold', holding)
  const why = isSaid(of.step) ? [held, reasons.say(of.step)] : [held]
  const until = { expected: of.expected.toFixed(0), horizon: of.horizon.toFixed(0) }
  if (!choice)
    return [...why.slice(0, -1), reasons.say('untilThen', { what: why.at(-1)!, ...until })].join('; ')
  const { form, margin, hold } = choice
  const prepared = reasons.say('readyFor', {
    users: choice.users.toFixed(0),
    what: reasons.say(form.growth ? 'ifGrows' : 'ifStays', { what: reasons.say('until', until) }),
    margin: (margin * 100).toFixed(1),
    base: form.share,
    minutes: ((hold * of.horizon) / 60).toFixed(0),
  })
  const late = of.lag >= 0.5 ? [reasons.say('late', { users: of.lag.toFixed(0) })] : []
  const left = reasons.say(spare === 1 ? 'spareOne' : 'spare', { count: spare })
  const priced =
    spareCost === undefined ? left : reasons.say('spareCost', { what: left, cost: spareCost.toFixed(2) })
  const past = { share: percent(choice.overload), cost: choice.cost.toFixed(2) }
  const level =
    choice.unreachable && choice.overload > of.level
      ? reasons.say('unreachable', { level: percent(of.level), ...past })
      : reasons.say('soFar', past)
  const spent = reasons.say('spent', { share: percent(of.realised), level: percent(of.level) })
  return [...why, prepared, ...late, priced, level, spent].join('; ')
}
