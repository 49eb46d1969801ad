import { ConcertinaError, invalidInput } from '../base/errors.ts'
import { type BrokerOptions, brokerOptions } from '../cluster/broker.ts'
import { BROKER_ONLY, type BrokerFlags } from './flags.ts'

/** The flags by the options that they set. */
const FLAGS = {
  url: 'broker',
  name: 'clusterName',
  replicas: 'replicas',
  maxAgeSeconds: 'keepSeconds',
  maxBytes: 'keepBytes',
  maxMessages: 'keepMessages',
  syncAlways: 'syncAlways',
} as const satisfies Record<keyof BrokerOptions, keyof BrokerFlags>

/**
 * What the flags of a command that can do without a broker say of it.
 * @throws {ConcertinaError} INVALID_INPUT for a flag that is of no use without one.
 */
export function optionalBroker({ broker, ...flags }: Partial<BrokerFlags>): BrokerOptions | undefined {
  if (broker !== undefined) return brokerFrom({ ...flags, broker })
  for (const name of BROKER_ONLY)
    if (flags[name] !== undefined) throw invalidInput(name, 'needs --broker', 'together with --broker')
  return undefined
}

/**
 * What the flags say of the broker.
 * @throws {ConcertinaError} INVALID_INPUT, naming the flag.
 */
export function brokerFrom(flags: BrokerFlags): BrokerOptions {
  const options = Object.fromEntries(Object.entries(FLAGS).map(([option, flag]) => [option, flags[flag]]))
  try {
    brokerOptions.parse(options)
  } catch (error) {
    if (!(error instanceof ConcertinaError) || error.where === undefined) throw error
    const { code, message, hint, where } = error
    const flag = FLAGS[where as keyof typeof FLAGS]
    throw new ConcertinaError(code, message.replace(where, flag), { hint, where: flag })
  }
  return options as BrokerOptions
}
