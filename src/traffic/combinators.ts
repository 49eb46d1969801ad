import { z } from 'zod'
import { invalidInput, requireNumber } from '../base/errors.ts'
import { type OptionsOf, option, optionSet, seconds } from '../base/options.ts'
import { seededRng } from '../base/rng.ts'
import type { LoadPattern } from './load-pattern.ts'

function some(patterns: readonly LoadPattern[]): readonly LoadPattern[] {
  if (patterns.length === 0) throw invalidInput('patterns', 'is empty', 'at least one load pattern')
  return patterns
}

/** One pattern after another. Only the last may be without end. */
export function sequence(...patterns: LoadPattern[]): LoadPattern {
  const parts = some(patterns).map((pattern, i) => ({
    pattern,
    start: patterns.slice(0, i).reduce((sum, each) => sum + each.duration, 0),
  }))
  if (!Number.isFinite(parts.at(-1)!.start)) {
    throw invalidInput('patterns', 'one that is not the last has no end', 'a duration for each but the last')
  }
  return {
    duration: patterns.reduce((sum, each) => sum + each.duration, 0),
    description: patterns.map((each) => each.description).join(', then '),
    users(time) {
      const { pattern, start } = parts.findLast((part) => part.start <= time) ?? parts[0]!
      return pattern.users(time - start)
    },
  }
}

/** The users of all patterns together, while any of them lasts. One that has ended counts nothing. */
export function sum(...patterns: LoadPattern[]): LoadPattern {
  const duration = Math.max(...some(patterns).map((each) => each.duration))
  return {
    duration,
    description: patterns.map((each) => each.description).join(' plus '),
    users(time) {
      let users = 0
      for (const each of patterns) {
        if (time <= each.duration || each.duration === duration) users += each.users(time)
      }
      return users
    },
  }
}

/** `factor` times as many users. */
export function scale(pattern: LoadPattern, factor: number): LoadPattern {
  requireNumber('factor', factor, { min: 0 })
  return {
    duration: pattern.duration,
    description: `${factor} times ${pattern.description}`,
    recorded: pattern.recorded,
    users: (time) => pattern.users(time) * factor,
  }
}

/** Never fewer than `min` users and never more than `max`. */
export function clamp(pattern: LoadPattern, min: number, max: number): LoadPattern {
  requireNumber('min', min, { min: 0 })
  requireNumber('max', max, { min })
  return {
    duration: pattern.duration,
    description: `${pattern.description}, from ${min} to ${max} users`,
    recorded: pattern.recorded,
    users: (time) => Math.min(max, Math.max(min, pattern.users(time))),
  }
}

/** The pattern `times` times in a row. */
export function repeat(pattern: LoadPattern, times: number): LoadPattern {
  requireNumber('times', times, { min: 1, integer: true })
  const { duration } = pattern
  if (!Number.isFinite(duration))
    throw invalidInput('pattern', 'it has no end to repeat it from', 'a duration')
  return {
    duration: duration * times,
    description: `${times} times in a row: ${pattern.description}`,
    users: (time) => pattern.users(time >= duration * times ? duration : time % duration),
  }
}

export const jitterOptions = optionSet({
  amount: z.number().min(0).max(1).describe('share of the users, up and down, at most'),
  every: option(seconds, 'seconds that one factor lasts', 1),
  seed: option(z.union([z.number(), z.string()]), 'of the factors', 42),
})

/**
 * Each stretch of `every` seconds has its own factor, uniform from 1 − `amount` to 1 + `amount`, that depends on
 * `seed` and the stretch alone.
 */
export function jitter(pattern: LoadPattern, options: OptionsOf<typeof jitterOptions.shape>): LoadPattern {
  const { amount, every, seed } = jitterOptions.parse(options)
  const rng = seededRng(seed).stream('jitter')
  return {
    duration: pattern.duration,
    description: `${pattern.description}, ± ${Number((amount * 100).toPrecision(12))} %`,
    recorded: pattern.recorded,
    users(time) {
      const factor = 1 + amount * (2 * rng.stream(String(Math.floor(time / every))).next() - 1)
      return pattern.users(time) * factor
    },
  }
}
