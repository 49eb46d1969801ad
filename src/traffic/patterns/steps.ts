import { z } from 'zod'
import { requireNumber } from '../../base/errors.ts'
import { atLeastZero, type OptionsOf, optionSet, seconds } from '../../base/options.ts'
import { specKind } from '../../base/spec-kind.ts'
import type { LoadPattern } from '../load-pattern.ts'

const step = z.strictObject({
  at: atLeastZero.describe('when it begins, seconds'),
  users: atLeastZero.describe('concurrent users from then on'),
})

const options = optionSet({
  steps: z.array(step).min(1).describe('each holds until the next one; 0 users before the first'),
  duration: seconds.describe('seconds'),
})

/** Stairs: each step holds until the next one; the last until `duration`. */
export function steps(given: OptionsOf<typeof options.shape>): LoadPattern {
  const { steps: stairs, duration } = options.parse(given)
  for (const [i, { at }] of stairs.entries())
    if (i > 0) requireNumber(`steps[${i}].at`, at, { above: stairs[i - 1]!.at })
  return {
    duration,
    description: `${stairs.length} steps`,
    users: (time) => stairs.findLast((each) => each.at <= time)?.users ?? 0,
  }
}

export const stepsKind = specKind('steps', options, steps)
