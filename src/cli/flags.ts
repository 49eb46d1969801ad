import { type Command, InvalidArgumentError, Option } from 'commander'
import { STRATEGY_NAMES } from '../balancing/strategy-names.ts'
import { ConcertinaError, invalidInput, requireNumber } from '../base/errors.ts'
import { environmentLanguage, LANGUAGES, type Language } from '../base/language.ts'
import { LOG_LEVELS, type LogLevel } from '../base/logger.ts'
import type { BrokerOptions } from '../cluster/broker.ts'

/** A number as a person types it. */
export function number(text: string): number {
  const value = text.trim() === '' ? Number.NaN : Number(text)
  if (!Number.isFinite(value)) throw new InvalidArgumentError('Allowed: a number.')
  return value
}

export const CONFIG = ['--config <file>', 'take everything that no flag gives from a YAML file'] as const
export const DECISIONS = [
  '--decisions <file>',
  'write every decision there, one JSON object a line, for explain and replay',
] as const
export const RUN_REPORT = ['--report <file>', 'write a report of the run there, one HTML file'] as const

/** Flags that set an option of the same name of the autoscaler, with its default. */
const SCALING_FLAGS = [
  ['--scale-up-threshold <users>', 'add a server above this many users per server', 30],
  ['--scale-down-threshold <users>', 'remove a server below this many users per server', 10],
  ['--min-servers <count>', 'never fewer servers', 2],
  ['--max-servers <count>', 'never more servers', 10],
  ['--cooldown <seconds>', 'between two scaling events', 5],
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
  lang?: Language
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

/** @param own defaults of the command that are not those of the autoscaler */
export function addScalingFlags(command: Command, own: { scaleUpThreshold?: number } = {}): Command {
  for (const [flag, description, usual] of SCALING_FLAGS) {
    const value = flag.startsWith('--scale-up') ? (own.scaleUpThreshold ?? usual) : usual
    command.option(flag, `${description} (${value})`, number)
  }
  return command
}

export function addFleetFlags(command: Command, own: { scaleUpThreshold?: number } = {}): Command {
  return addScalingFlags(command, own)
    .addOption(new Option('--strategy <name>', 'balancing strategy (round-robin)').choices(STRATEGY_NAMES))
    .option('--seed <seed>', 'of everything random (42)')
}

export function addRunFlags(command: Command, own?: { scaleUpThreshold?: number }): Command {
  return addLanguageFlag(addFleetFlags(addLoadFlags(command), own)).addOption(
    new Option('--routing <kind>', 'what stays on a server (sticky)').choices(['sticky', 'message']),
  )
}

/** Of what is for people: what is printed, and reports. */
function addLanguageFlag(command: Command): Command {
  return command.addOption(
    new Option('--lang <language>', 'of what is printed and of reports (that of the environment)').choices(
      LANGUAGES,
    ),
  )
}

/** The language that was asked for, else that of the environment. */
export const languageIn = ({ lang }: { lang?: Language }): Language => lang ?? environmentLanguage()

export interface BrokerFlags {
  broker: string
  clusterName?: string
  replicas?: number
  keepSeconds?: number
  keepBytes?: number
  keepMessages?: number
  syncAlways?: boolean
}

const BROKER = 'what the cluster shares: nats://host:4222 or redis://host:6379, several hosts by commas'

/** @param required whether the command needs a broker */
export function addBrokerFlags(command: Command, required = true): Command {
  return (
    required ? command.requiredOption('--broker <url>', BROKER) : command.option('--broker <url>', BROKER)
  )
    .option('--cluster-name <name>', 'separates clusters that share a broker (concertina)')
    .option(
      '--replicas <count>',
      'copies of each message in NATS (3); replicas that Redis waits for (0)',
      number,
    )
    .option('--keep-seconds <seconds>', 'age above which messages are dropped (never)', number)
    .option('--keep-bytes <bytes>', 'in NATS above which the oldest are dropped (no bound)', number)
    .option(
      '--keep-messages <count>',
      'of a room in Redis above which the oldest are dropped (10000)',
      number,
    )
    .option('--sync-always', 'NATS is set to sync_interval: always, so one copy is on disk')
}

/** Flags that mean nothing without a broker. */
export const BROKER_ONLY = [
  'clusterName',
  'replicas',
  'keepSeconds',
  'keepBytes',
  'keepMessages',
  'syncAlways',
] as const

/**
 * What the flags of a command that can do without a broker say of it.
 * @throws {ConcertinaError} INVALID_INPUT for a flag that is of no use without one.
 */
export function optionalBroker({ broker, ...flags }: Partial<BrokerFlags>): BrokerOptions | undefined {
  if (broker !== undefined) return brokerOptions({ ...flags, broker })
  for (const name of BROKER_ONLY)
    if (flags[name] !== undefined) throw invalidInput(name, 'there is no --broker', 'together with --broker')
  return undefined
}

/** What the flags say of the broker. */
export function brokerOptions(flags: BrokerFlags): BrokerOptions {
  const { broker, clusterName, replicas, keepSeconds, keepBytes, keepMessages, syncAlways } = flags
  if (clusterName !== undefined && !/^[A-Za-z0-9_-]{1,32}$/.test(clusterName))
    throw invalidInput('clusterName', `${clusterName} is no name`, '1 to 32 letters, digits, - and _')
  if (replicas !== undefined) requireNumber('replicas', replicas, { min: 0, max: 5, integer: true })
  if (replicas === 0 && !broker.startsWith('redis'))
    throw invalidInput('replicas', '0 copies keep nothing', '1 to 5')
  if (keepSeconds !== undefined) requireNumber('keepSeconds', keepSeconds, { min: 1 })
  if (keepBytes !== undefined) requireNumber('keepBytes', keepBytes, { min: 1, integer: true })
  if (keepMessages !== undefined) requireNumber('keepMessages', keepMessages, { min: 0, integer: true })
  return {
    url: broker,
    name: clusterName,
    replicas,
    maxAgeSeconds: keepSeconds,
    maxBytes: keepBytes,
    maxMessages: keepMessages,
    syncAlways,
  }
}

/** A flag that may be given several times. */
export const collect = (value: string, before: string[] = []) => [...before, value]

/** Of the commands that compare policies on traces. */
export function addJudgingFlags(command: Command): Command {
  command
    .requiredOption('--trace <file>', 'a trace, or a folder of traces; may be given several times', collect)
    .option('--column <name>', 'of the traces: column, metric or series of the users; sum or max of all')
    .option('--session <seconds>', 'of an access log: that a visitor counts as a user (300)', number)
    .option(
      '--target-servers <count>',
      'scale each trace so that its 99.9th percentile needs this many servers',
      number,
    )
  return addTermsFlags(command)
}

/** The conditions under which policies are compared. */
export function addTermsFlags(command: Command): Command {
  return command
    .option('--config <file>', 'policies by name, and the conditions that no flag gives, from a YAML file')
    .option('--users-per-server <users>', 'that a server holds (30)', number)
    .option('--provisioning-delay <seconds>', 'from launch to ready, at least (90)', number)
    .option('--start-up-tail <seconds>', 'mean of what a start takes beyond that, exponential (0)', number)
    .option('--servers-per-node <count>', 'servers need nodes that hold so many, started when full', number)
    .option('--node-delay <seconds>', 'from the launch of a node until servers can start on it (90)', number)
    .option('--metric-delay <seconds>', 'age of the load that policies see (0)', number)
    .option('--interval <seconds>', 'between two decisions (30)', number)
    .option('--warm-up <seconds>', 'at the beginning, for which nothing is counted (0)', number)
    .option('--overload <share>', 'of user-time that may be above capacity (0.001)', number)
    .option('--min-servers <count>', 'never fewer servers (1)', number)
    .option('--max-servers <count>', 'never more servers (1000)', number)
    .option('--drain-window <seconds>', 'that a server which is scaled in keeps its users (0)', number)
    .option('--session-duration <seconds>', 'mean of a session, while a server drains (endless)', number)
    .option('--full-utilization <share>', 'of a server that has all the users it holds (0.8)', number)
}

/** How much a service logs, and in what form. */
export interface LogFlags {
  quiet?: boolean
  verbose?: boolean
  logLevel?: LogLevel
  logFormat?: 'text' | 'json'
}

export function addLogFlags(command: Command): Command {
  const level = new Option('--log-level <level>', 'what is logged (info)').choices(LOG_LEVELS)
  const format = new Option('--log-format <format>', 'text on a terminal, json elsewhere')
  return command
    .addOption(level)
    .addOption(format.choices(['text', 'json']))
    .addOption(new Option('--quiet', 'only warnings and errors').conflicts(['verbose', 'logLevel']))
    .addOption(new Option('--verbose', 'also the load of every second').conflicts(['logLevel']))
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
