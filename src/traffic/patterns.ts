import { z } from 'zod'
import { atLeastZero, check, count, within } from '../base/options.ts'
import { type SpecKind, specKind } from '../base/spec-kind.ts'
import { clamp, jitter, jitterOptions, repeat, scale, sequence, sum } from './combinators.ts'
import type { LoadPattern } from './load-pattern.ts'
import { constantKind } from './patterns/constant.ts'
import { customKind } from './patterns/custom.ts'
import { diurnalKind } from './patterns/diurnal.ts'
import { rampKind } from './patterns/ramp.ts'
import { spikeKind } from './patterns/spike.ts'
import { stepsKind } from './patterns/steps.ts'
import { threePhaseKind } from './patterns/three-phase.ts'
import { traceKind } from './traces/trace.ts'

/** The registry: a line for each kind of load pattern. */
const SIMPLE_KINDS = [
  threePhaseKind,
  constantKind,
  stepsKind,
  rampKind,
  spikeKind,
  diurnalKind,
  customKind,
  traceKind,
] as const

type SimpleSpec = z.infer<(typeof SIMPLE_KINDS)[number]['schema']>

/** A load pattern as plain data, as in a config file. Times in seconds. */
export type PatternSpec =
  | SimpleSpec
  | { kind: 'sequence' | 'sum'; patterns: PatternSpec[] }
  | { kind: 'scale'; pattern: PatternSpec; factor: number }
  | { kind: 'clamp'; pattern: PatternSpec; min: number; max: number }
  | { kind: 'repeat'; pattern: PatternSpec; times: number }
  | { kind: 'jitter'; pattern: PatternSpec; amount: number; every?: number; seed?: number | string }

const pattern = z.lazy((): z.ZodType<PatternSpec> => patternSchema).describe('a load pattern')
const patterns = z.array(pattern).min(1).describe('load patterns')

function createAll(specs: readonly PatternSpec[]): LoadPattern[] {
  return specs.map((spec, i) => within(`patterns[${i}]`, () => createPattern(spec)))
}

const createInner = (spec: PatternSpec) => within('pattern', () => createPattern(spec))

const COMBINED_KINDS = [
  specKind('sequence', { patterns }, (spec) => sequence(...createAll(spec.patterns))),
  specKind('sum', { patterns }, (spec) => sum(...createAll(spec.patterns))),
  specKind('scale', { pattern, factor: atLeastZero.describe('times as many users') }, (spec) =>
    scale(createInner(spec.pattern), spec.factor),
  ),
  specKind(
    'clamp',
    {
      pattern,
      min: atLeastZero.describe('never fewer users'),
      max: atLeastZero.describe('never more users'),
    },
    (spec) => clamp(createInner(spec.pattern), spec.min, spec.max),
  ),
  specKind('repeat', { pattern, times: count.describe('times in a row') }, (spec) =>
    repeat(createInner(spec.pattern), spec.times),
  ),
  specKind('jitter', { pattern, ...jitterOptions.shape }, ({ pattern: inner, ...options }) =>
    jitter(createInner(inner), options),
  ),
] as const

const KINDS = new Map(
  [...SIMPLE_KINDS, ...COMBINED_KINDS].map((each) => [
    each.kind,
    each as unknown as SpecKind<PatternSpec, LoadPattern>,
  ]),
)

/** The names of all kinds of load pattern, in the order of the registry. */
export const PATTERN_KINDS: readonly string[] = [...KINDS.keys()]

/** What a load pattern may say, for config files. */
export const patternSchema: z.ZodType<PatternSpec> = z
  .discriminatedUnion('kind', [...SIMPLE_KINDS, ...COMBINED_KINDS].map((each) => each.schema) as never)
  .meta({ id: 'LoadPattern', description: 'concurrent users as a function of time' }) as never

/**
 * Makes the load pattern that `spec` describes.
 * @throws {ConcertinaError} INVALID_INPUT, FILE_ACCESS or INVALID_TRACE.
 */
export function createPattern(spec: PatternSpec): LoadPattern {
  const { kind } = check(z.looseObject({ kind: z.enum(PATTERN_KINDS as [string]) }), spec)
  return KINDS.get(kind as never)!.create(spec)
}
