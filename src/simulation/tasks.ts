import { type Course, CourseRecorder, neededCourse } from './course.ts'
import type { Floor } from './floor.ts'
import type { FluidResult, RunBound } from './fluid.ts'
import { type Contender, curveOf, floorOf, judge, type Played, type Terms } from './judge.ts'

/** One piece of work for a worker; plain data. */
export type Task = { readonly played: Played; readonly terms: Terms } & (
  | {
      readonly kind: 'judge'
      readonly contender: Contender
      readonly course?: boolean
      readonly giveUp?: RunBound
    }
  | { readonly kind: 'floor'; readonly course?: boolean }
)

/** What came of a piece of work. */
export type Outcome =
  /** With the ready servers over time, where asked for. */
  | { readonly kind: 'judge'; readonly result: FluidResult; readonly course?: Course }
  /** With the servers that the load needs over time, where asked for. */
  | { readonly kind: 'floor'; readonly floor: Floor; readonly course?: Course }

/** Does a piece of work here and now. */
export function perform(task: Task): Outcome {
  const { terms, played } = task
  const curve = curveOf(played, terms.usersPerServer)
  switch (task.kind) {
    case 'floor': {
      const floor = floorOf(curve, terms)
      return {
        kind: 'floor',
        floor,
        ...(task.course && { course: neededCourse(curve, terms.usersPerServer) }),
      }
    }
    case 'judge': {
      const { contender, giveUp } = task
      if (!task.course) return { kind: 'judge', result: judge(curve, contender, terms, { giveUp }) }
      const recorder = new CourseRecorder(curve.duration)
      const onStep = (time: number, ready: number) => recorder.add(time, ready)
      const result = judge(curve, contender, terms, { giveUp, onStep })
      return { kind: 'judge', result, course: recorder.course() }
    }
  }
}
