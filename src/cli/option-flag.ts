import { type Command, InvalidArgumentError, Option } from 'commander'
import { invalidInput } from '../base/errors.ts'
import type { OptionSets } from './option-sets.ts'

/** An option of the library: `autoScaler.cooldown`. */
export type OptionName = {
  [S in keyof OptionSets]: `${S}.${keyof OptionSets[S] & string}`
}[keyof OptionSets]

/** A number as a person types it. */
export function number(text: string): number {
  const value = text.trim() === '' ? Number.NaN : Number(text)
  if (!Number.isFinite(value)) throw new InvalidArgumentError('Allowed: a number.')
  return value
}

/** A flag that may be given several times. */
export const collect = (value: string, before: string[] = []) => [...before, value]

/**
 * A flag that sets an option of the library. What it is and its default come from the option itself, where it is
 * declared: help and completion load that when they show it.
 */
export class OptionFlag extends Option {
  readonly declared: OptionName

  constructor(flags: string, declared: OptionName) {
    super(flags, declared)
    this.declared = declared
  }
}

/** Adds flags of numbers: each with the option that it sets. */
export function addNumbers(
  command: Command,
  flags: readonly (readonly [flags: string, declared: OptionName])[],
): Command {
  for (const flag of flags) command.addOption(new OptionFlag(...flag).argParser(number))
  return command
}

/**
 * The value of a flag that cannot be left out here.
 * @throws {ConcertinaError} INVALID_INPUT, naming the flag.
 */
export function needed<T>(flag: string, value: T | undefined, why: string, allowed = `${flag} <value>`): T {
  if (value === undefined) throw invalidInput(flag, why, allowed)
  return value
}
