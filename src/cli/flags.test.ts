import { Command } from 'commander'
import { expect, it } from 'vitest'
import { balancerOptions } from '../balancing/load-balancer.ts'
import type { OptionSet } from '../base/options.ts'
import { autoScalerOptions } from '../scaling/auto-scaler.ts'
import { addRunFlags } from './flags.ts'

/** The default that a flag's help names: `never fewer servers (2)`. */
const ofFlag = (command: Command, key: string) => {
  const found = command.options.find((option) => option.attributeName() === key)
  expect(found, key).toBeDefined()
  return /\(([^()]+)\)$/.exec(found!.description)?.[1]
}

/** The default of an option: that of its schema, or the one that its description begins with where it depends on others. */
const ofOption = (set: OptionSet<never>, key: string) => {
  const { default: value, description = '' } = (set.shape as Record<string, { meta(): OptionMeta }>)[
    key
  ]!.meta()
  return String(value ?? /default (\d+)/.exec(description)?.[1])
}
interface OptionMeta {
  readonly default?: unknown
  readonly description?: string
}

const sets: [string, unknown, string[]][] = [
  [
    'autoscaler',
    autoScalerOptions,
    ['scaleUpThreshold', 'scaleDownThreshold', 'minServers', 'maxServers', 'cooldown'],
  ],
  ['balancer', balancerOptions, ['strategy', 'routing']],
]

it.each(sets)('name the defaults that the options of the library have: %s', (_, set, keys) => {
  const command = addRunFlags(new Command())
  for (const key of keys)
    expect([key, ofFlag(command, key)]).toEqual([key, ofOption(set as OptionSet<never>, key)])
})
