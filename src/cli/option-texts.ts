import type { Command } from 'commander'
import type { z } from 'zod'
import { collect, OptionFlag } from './option-flag.ts'
import { OPTION_SETS, type OptionSets } from './option-sets.ts'

/** Options of a provider, whose flags mean something only with it. */
const PROVIDER_SETS: ReadonlySet<keyof OptionSets> = new Set(['aws', 'command', 'kubernetes'])

/** What an option is, and its default. */
function textOf({ declared, parseArg }: OptionFlag): string {
  const [set, key] = declared.split('.') as [keyof OptionSets, string]
  const field = (OPTION_SETS[set] as z.ZodRawShape)[key] as z.ZodType
  const { description = '', default: value } = field.meta() ?? {}
  const of = PROVIDER_SETS.has(set) ? `${set}: ` : ''
  const shown = of + (value === undefined || value === false ? description : `${description} (${value})`)
  return parseArg === collect ? `${shown}; may be given several times` : shown
}

/** Describes the flags of a command, and of those below it, by the options that they set. */
export function describeFlags(command: Command): void {
  for (const option of command.options) if (option instanceof OptionFlag) option.description = textOf(option)
  for (const each of command.commands) describeFlags(each)
}
