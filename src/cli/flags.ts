import { type Command, InvalidArgumentError, Option } from 'commander'
import { STRATEGY_NAMES } from '../balancing/strategies.ts'
import { ConcertinaError, invalidInput, requireNumber } from '../base/errors.ts'
import type { BrokerOptions } from '../cluster/broker.ts'

/** A number as a person types it. */
export function number(text: string): number {
  const value = text.trim() === '' ? Number.NaN : Number(text)
  if (!Number.isFinite(value)) throw new InvalidArgumentError('Allowed: a number.')
  return value
}

/** Flags that set an option of the same name of the autoscaler. */
const SCALING_FLAGS = [
  ['--scale-up-threshold <users>', 'add a server above this many users a server (30)'],
  ['--scale-down-threshold <users>', 'remove a server below this many users a server (10)'],
  ['--min-servers <count>', 'never fewer servers (2)'],
  ['--max-servers <count>', 'never more servers (10)'],
  ['--cooldown <seconds>', 'between two scaling events (5)'],
] as const

export interface ScalingFlags {
  scaleUpThreshold?: number
  scaleDownThreshold?: number
  minServers?: number
  maxServers?: number
  cooldown?: number
}

/** Flags that every run has. */
export interface RunFlags extends ScalingFlags {
  duration?: number
  baseRate?: number
  peakRate?: number
  curve?: string
  strategy?: (typeof STRATEGY_NAMES)[number]
  routing?: 'sticky' | 'message'
  seed?: string
}

export function addLoadFlags(command: Command): Command {
  return command
    .option('--duration <seconds>', 'how long the run is (30)', number)
    .option('--base-rate <users>', 'concurrent users at the ends (5)', number)
    .option('--peak-rate <users>', 'concurrent users in the middle (50)', number)
    .option(
      '--curve <expression>',
      'concurrent users by progress, 0 to 1, instead: "5 + 45 * sin(pi * progress)"',
    )
}

export function addTraceFlags(command: Command): Command {
  return command
    .option('--trace <file>', 'replay concurrent users from a file; trace --help names the formats')
    .option('--column <name>', 'of the trace: column, metric or series of the users; sum or max of all')
    .option('--session <seconds>', 'of an access log: that a visitor counts as a user (300)', number)
    .option('--speed <factor>', 'play the trace this many times as fast (1)', number)
    .option('--scale <factor>', 'multiply the values of the trace (1)', number)
}

export function addScalingFlags(command: Command): Command {
  for (const [flag, description] of SCALING_FLAGS) command.option(flag, description, number)
  return command
    .addOption(new Option('--strategy <name>', 'balancing strategy (round-robin)').choices(STRATEGY_NAMES))
    .option('--seed <seed>', 'of everything random (42)')
}

export function addRunFlags(command: Command): Command {
  return addScalingFlags(addLoadFlags(command)).addOption(
    new Option('--routing <kind>', 'what stays on a server (sticky)').choices(['sticky', 'message']),
  )
}

export interface BrokerFlags {
  broker: string
  clusterName?: string
  replicas?: number
}

export function addBrokerFlags(command: Command): Command {
  return command
    .requiredOption('--broker <url>', 'what the cluster shares: nats://host:4222, several hosts by commas')
    .option('--cluster-name <name>', 'tells clusters apart that share a broker (concertina)')
    .option('--replicas <count>', 'copies of each message in NATS (3)', number)
}

/** What the flags say of the broker. */
export function brokerOptions({ broker, clusterName, replicas }: BrokerFlags): BrokerOptions {
  if (clusterName !== undefined && !/^[A-Za-z0-9_-]{1,32}$/.test(clusterName))
    throw invalidInput('clusterName', `${clusterName} is no name`, '1 to 32 letters, digits, - and _')
  if (replicas !== undefined) requireNumber('replicas', replicas, { min: 1, max: 5, integer: true })
  return { url: broker, name: clusterName, replicas }
}

/** Only what was given. */
export function scalingOptions(flags: ScalingFlags): ScalingFlags {
  const { scaleUpThreshold, scaleDownThreshold, minServers, maxServers, cooldown } = flags
  const all = { scaleUpThreshold, scaleDownThreshold, minServers, maxServers, cooldown }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
}

/** Seeds that look like whole numbers are numbers, so that `--seed 42` is the default. */
export function seedOf(text: string | undefined): number | string | undefined {
  return text !== undefined && /^-?\d{1,15}$/.test(text) ? Number(text) : text
}

/** Names the flag in an error about an option that came from a flag. */
export function asFlagError(error: unknown, given: object): unknown {
  if (!(error instanceof ConcertinaError) || error.where === undefined) return error
  if ((given as Record<string, unknown>)[error.where] === undefined) return error
  const flag = `--${error.where.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
  return new ConcertinaError(error.code, error.message.replace(error.where, flag), {
    hint: error.hint,
    where: flag,
  })
}
