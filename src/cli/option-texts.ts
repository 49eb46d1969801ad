import type { Command } from 'commander'
import type { z } from 'zod'
import { evaluationOptions } from '../backtest/evaluation-options.ts'
import { balancerOptions } from '../balancing/load-balancer.ts'
import { brokerOptions } from '../cluster/broker.ts'
import { demoOptions } from '../demo.ts'
import { autoScalerOptions } from '../scaling/auto-scaler.ts'
import { playOptions, readOptions } from '../traffic/traces/trace.ts'
import { liveOptions } from './config/schema.ts'
import { collect, OptionFlag } from './option-flag.ts'

const SETS = {
  autoScaler: autoScalerOptions.shape,
  balancer: balancerOptions.shape,
  broker: brokerOptions.shape,
  demo: demoOptions.shape,
  evaluation: evaluationOptions.shape,
  live: liveOptions.shape,
  play: playOptions.shape,
  trace: readOptions.shape,
}

/** The options of the library that flags set. */
export type OptionSets = typeof SETS

/** What an option is, and its default: that of the option, or the command's own. */
function textOf({ declared, ownDefault, parseArg }: OptionFlag): string {
  const [set, key] = declared.split('.') as [keyof OptionSets, string]
  const field = (SETS[set] as z.ZodRawShape)[key] as z.ZodType
  const { description = '', default: usual } = field.meta() ?? {}
  const value = ownDefault ?? usual
  const shown = value === undefined || value === false ? description : `${description} (${value})`
  return parseArg === collect ? `${shown}; may be given several times` : shown
}

/** Describes the flags of a command, and of those below it, by the options that they set. */
export function describeFlags(command: Command): void {
  for (const option of command.options) if (option instanceof OptionFlag) option.description = textOf(option)
  for (const each of command.commands) describeFlags(each)
}
