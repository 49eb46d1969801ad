import type { Choice } from './candidate-fleets.ts'

/** What a size did, and why it did not shrink. */
export type Step = 'learning' | 'grows' | 'fits' | 'rising' | 'starting' | 'close' | 'shrinks'

const STEPS: Partial<Record<Step, string>> = {
  learning: 'it is still learning, and keeps the servers it has',
  rising: 'fewer would do, but the load is rising',
  starting: 'fewer would do, but it has grown within the horizon',
  close: 'fewer would do, but the difference is too small',
}

interface Explained {
  readonly servers: number
  /** Users that they hold. */
  readonly room: number
  readonly load: number
  readonly expected: number
  /** Seconds. */
  readonly horizon: number
  readonly spare: number
  readonly spareCost: number | undefined
  readonly step: Step
  readonly choice: Choice | undefined
  readonly level: number
  readonly realised: number
}

const percent = (share: number) => `${(share * 100).toFixed(3)} %`
const counted = (count: number, one: string, many: string) => `${count} ${count === 1 ? one : many}`

/** The decision as a sentence: what it does, why, and what it has spent. */
export function explain(of: Explained): string {
  const { servers, choice, spare, spareCost } = of
  const held =
    `${counted(servers, 'server holds', 'servers hold')} ${of.room.toFixed(0)} users, ` +
    `${of.load.toFixed(0)} are there`
  const ahead = `within ${of.horizon.toFixed(0)} s`
  const why = STEPS[of.step] ? `; ${STEPS[of.step]}` : ''
  if (!choice) return `${held}${why}: ${of.expected.toFixed(0)} expected ${ahead}`
  const { form, margin, hold } = choice
  const base = `${of.expected.toFixed(0)} expected ${ahead} ${form.growth ? 'if its growth continues' : 'if it stays'}`
  const more = `and ${(margin * 100).toFixed(1)} % of ${form.share}, kept ${((hold * of.horizon) / 60).toFixed(0)} min`
  const money = spareCost === undefined ? '' : ` (${spareCost.toFixed(2)} an hour)`
  const prepared = `ready for ${choice.users.toFixed(0)}: ${base}, ${more}; ${counted(spare, 'is', 'are')} spare${money}`
  const past = `${percent(choice.overload)} at ${choice.cost.toFixed(2)} ×`
  const level =
    choice.unreachable && choice.overload > of.level
      ? `${percent(of.level)} is unreachable here: the best is ${past}`
      : `this would have had ${past} so far`
  return `${held}${why}; ${prepared}; ${level}; spent ${percent(of.realised)} of ${percent(of.level)} allowed`
}
