import type { Floor } from './floor.ts'
import type { FluidResult } from './fluid.ts'
import { type Contender, curveOf, floorOf, judge, type Played, type Terms } from './judge.ts'
import { type Dimension, type Tuned, tune } from './tuning.ts'

/** One piece of work for a worker; plain data. */
export type Task = { readonly played: Played; readonly terms: Terms } & (
  | { readonly kind: 'judge'; readonly contender: Contender }
  | { readonly kind: 'floor' }
  | { readonly kind: 'tune'; readonly contender: Contender; readonly space: readonly Dimension[] }
)

/** What came of a piece of work. */
export type Outcome =
  | { readonly kind: 'judge'; readonly result: FluidResult; readonly seconds: number }
  | { readonly kind: 'floor'; readonly floor: Floor; readonly seconds: number }
  | { readonly kind: 'tune'; readonly tuned: Tuned; readonly seconds: number }

/** Does a piece of work here and now. */
export function perform(task: Task): Outcome {
  const started = performance.now()
  const seconds = () => (performance.now() - started) / 1000
  const curve = curveOf(task.played, task.terms.usersPerServer)
  switch (task.kind) {
    case 'floor':
      return { kind: 'floor', floor: floorOf(curve, task.terms), seconds: seconds() }
    case 'judge':
      return { kind: 'judge', result: judge(curve, task.contender, task.terms), seconds: seconds() }
    case 'tune':
      return {
        kind: 'tune',
        tuned: tune(curve, task.contender, task.terms, task.space),
        seconds: seconds(),
      }
  }
}
