import {
  type Candidate,
  curveOf,
  type EvaluationSettings,
  evaluate,
  floorOf,
  type TraceInput,
} from './evaluate.ts'
import type { FluidResult, RunBound } from './fluid.ts'
import type { LowerBound } from './lower-bound.ts'
import { neededSeries, type TimeSeries, TimeSeriesRecorder } from './time-series.ts'

/** One piece of work for a worker; plain data. */
export type Task = { readonly input: TraceInput; readonly settings: EvaluationSettings } & (
  | {
      readonly kind: 'evaluate'
      readonly candidate: Candidate
      readonly series?: boolean
      readonly giveUp?: RunBound
    }
  | { readonly kind: 'lower-bound'; readonly series?: boolean }
)

/** What came of a piece of work. */
export type Outcome =
  /** With the ready servers over time, if requested. */
  | { readonly kind: 'evaluate'; readonly result: FluidResult; readonly series?: TimeSeries }
  /** With the servers that the load needs over time, if requested. */
  | { readonly kind: 'lower-bound'; readonly floor: LowerBound; readonly series?: TimeSeries }

/** Does a piece of work here and now. */
export function perform(task: Task): Outcome {
  const { settings, input } = task
  const curve = curveOf(input, settings.usersPerServer)
  switch (task.kind) {
    case 'lower-bound': {
      const floor = floorOf(curve, settings)
      return {
        kind: 'lower-bound',
        floor,
        ...(task.series && { series: neededSeries(curve, settings.usersPerServer) }),
      }
    }
    case 'evaluate': {
      const { candidate, giveUp } = task
      if (!task.series) return { kind: 'evaluate', result: evaluate(curve, candidate, settings, { giveUp }) }
      const recorder = new TimeSeriesRecorder(curve.duration)
      const onStep = (time: number, ready: number) => recorder.add(time, ready)
      const result = evaluate(curve, candidate, settings, { giveUp, onStep })
      return { kind: 'evaluate', result, series: recorder.series() }
    }
  }
}
