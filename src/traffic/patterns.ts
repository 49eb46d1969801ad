import { invalidInput } from '../errors.ts'
import { clamp, jitter, repeat, scale, sequence, sum } from './combinators.ts'
import type { LoadPattern } from './load-pattern.ts'
import { constant } from './patterns/constant.ts'
import { type DiurnalOptions, diurnal } from './patterns/diurnal.ts'
import { ramp } from './patterns/ramp.ts'
import { type SpikeOptions, spike } from './patterns/spike.ts'
import { type Step, steps } from './patterns/steps.ts'
import { threePhase } from './patterns/three-phase.ts'
import { readTrace, tracePattern } from './trace.ts'

/** What each kind of load pattern takes as plain data. Times in seconds. */
interface PatternFields {
  'three-phase': { duration: number; baseRate: number; peakRate: number }
  constant: { users: number; duration?: number }
  steps: { steps: readonly Step[]; duration: number }
  ramp: { from: number; to: number; duration: number }
  spike: SpikeOptions
  diurnal: DiurnalOptions
  trace: { file: string; speed?: number; scale?: number }
  sequence: { patterns: readonly PatternSpec[] }
  sum: { patterns: readonly PatternSpec[] }
  scale: { pattern: PatternSpec; factor: number }
  clamp: { pattern: PatternSpec; min: number; max: number }
  repeat: { pattern: PatternSpec; times: number }
  jitter: { pattern: PatternSpec; amount: number; every?: number; seed?: number | string }
}

export type PatternKind = keyof PatternFields

/** A load pattern as plain data, as in a config file. */
export type PatternSpec = { [K in PatternKind]: { kind: K } & PatternFields[K] }[PatternKind]

const REGISTRY: { [K in PatternKind]: (fields: PatternFields[K]) => LoadPattern } = {
  'three-phase': threePhase,
  constant,
  steps,
  ramp,
  spike,
  diurnal,
  trace: ({ file, ...options }) => tracePattern(readTrace(file), options),
  sequence: ({ patterns }) => sequence(...patterns.map(createPattern)),
  sum: ({ patterns }) => sum(...patterns.map(createPattern)),
  scale: ({ pattern, factor }) => scale(createPattern(pattern), factor),
  clamp: ({ pattern, min, max }) => clamp(createPattern(pattern), min, max),
  repeat: ({ pattern, times }) => repeat(createPattern(pattern), times),
  jitter: ({ pattern, ...options }) => jitter(createPattern(pattern), options),
}

export const PATTERN_KINDS = Object.keys(REGISTRY) as PatternKind[]

/**
 * Makes the load pattern that `spec` describes.
 * @throws {ConcertinaError} INVALID_INPUT, FILE_ACCESS or INVALID_TRACE.
 */
export function createPattern(spec: PatternSpec): LoadPattern {
  if (!Object.hasOwn(REGISTRY, spec.kind)) {
    throw invalidInput('kind', `${JSON.stringify(spec.kind)} is not a load pattern`, PATTERN_KINDS.join(', '))
  }
  return (REGISTRY[spec.kind] as (fields: PatternSpec) => LoadPattern)(spec)
}
