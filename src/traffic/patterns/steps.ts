import { z } from 'zod'
import { invalidInput, requireNumber } from '../../base/errors.ts'
import { atLeastZero, seconds, specKind } from '../../base/spec-kind.ts'
import type { LoadPattern } from '../load-pattern.ts'

/** `users` from the second `at` on, until the next step; 0 before the first. */
export interface Step {
  at: number
  users: number
}

/** Stairs: each step holds until the next one; the last until `duration` (s). */
export function steps(options: { steps: readonly Step[]; duration: number }): LoadPattern {
  const duration = requireNumber('duration', options.duration, { above: 0 })
  if (!Array.isArray(options.steps) || options.steps.length === 0)
    throw invalidInput('steps', 'there is none', 'at least one { at, users }')
  const given: readonly (Step | null | undefined)[] = options.steps
  const stairs = given.map((step, i) => ({
    at: requireNumber(`steps[${i}].at`, step?.at, i === 0 ? { min: 0 } : { above: given[i - 1]!.at }),
    users: requireNumber(`steps[${i}].users`, step?.users, { min: 0 }),
  }))
  return {
    duration,
    description: `${stairs.length} steps`,
    users: (time) => stairs.findLast((step) => step.at <= time)?.users ?? 0,
  }
}

const step = z.strictObject({ at: atLeastZero, users: atLeastZero })

/** How a config file names it; times in seconds. */
export const stepsKind = specKind('steps', { steps: z.array(step).min(1), duration: seconds }, steps)
