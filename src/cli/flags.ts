import { type Command, Option } from 'commander'
import { STRATEGY_NAMES } from '../balancing/strategy-names.ts'
import { ConcertinaError } from '../base/errors.ts'
import { environmentLanguage, LANGUAGES, type Language } from '../base/language.ts'
import { LOG_LEVELS, type LogLevel } from '../base/logger.ts'
import { addNumbers, collect, number, OptionFlag } from './option-flag.ts'

export const CONFIG = ['--config <file>', 'take everything that no flag gives from a YAML file'] as const
export const DECISIONS = [
  '--decisions <file>',
  'write every decision there, one JSON object a line, for explain and replay',
] as const
export const RUN_REPORT = ['--report <file>', 'write a report of the run there, one HTML file'] as const

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
  return addNumbers(command, [
    ['--duration <seconds>', 'demo.duration'],
    ['--base-rate <users>', 'demo.baseRate'],
    ['--peak-rate <users>', 'demo.peakRate'],
  ]).option(
    '--curve <expression>',
    'concurrent users by progress, 0 to 1, instead: "5 + 45 * sin(pi * progress)"',
  )
}

/** Of what serves a dashboard. */
export interface FleetsFlags {
  fleetName?: string
  fleet?: string[]
}

export function addFleetsFlags(command: Command): Command {
  return command
    .addOption(new OptionFlag('--fleet-name <name>', 'live.fleetName'))
    .addOption(new OptionFlag('--fleet <name=url>', 'live.fleets').argParser(collect))
}

/** How a trace is read. */
export function addReadingFlags(command: Command): Command {
  command.addOption(new OptionFlag('--column <name>', 'trace.column'))
  return addNumbers(command, [['--session <seconds>', 'trace.session']])
}

export function addTraceFlags(command: Command): Command {
  command.option('--trace <file>', 'replay concurrent users from a file; trace --help names the formats')
  return addNumbers(addReadingFlags(command), [
    ['--speed <factor>', 'play.speed'],
    ['--scale <factor>', 'play.scale'],
  ])
}

/** @param set the options whose defaults hold */
export function addScalingFlags(command: Command, set: 'autoScaler' | 'demo' = 'autoScaler'): Command {
  return addNumbers(command, [
    ['--scale-up-threshold <users>', `${set}.scaleUpThreshold`],
    ['--scale-down-threshold <users>', `${set}.scaleDownThreshold`],
    ['--min-servers <count>', `${set}.minServers`],
    ['--max-servers <count>', `${set}.maxServers`],
    ['--cooldown <seconds>', `${set}.cooldown`],
  ])
}

export function addFleetFlags(command: Command, set?: 'autoScaler' | 'demo'): Command {
  return addScalingFlags(command, set)
    .addOption(new OptionFlag('--strategy <name>', 'balancer.strategy').choices(STRATEGY_NAMES))
    .addOption(new OptionFlag('--seed <seed>', 'demo.seed'))
}

export function addRunFlags(command: Command, set?: 'autoScaler' | 'demo'): Command {
  return addLanguageFlag(addFleetFlags(addLoadFlags(command), set)).addOption(
    new OptionFlag('--routing <kind>', 'balancer.routing').choices(['sticky', 'message']),
  )
}

/** Of what is for people: what is printed, and reports. */
export function addLanguageFlag(command: Command): Command {
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

/** @param required whether the command needs a broker */
export function addBrokerFlags(command: Command, required = true): Command {
  command
    .addOption(new OptionFlag('--broker <url>', 'broker.url').makeOptionMandatory(required))
    .addOption(new OptionFlag('--cluster-name <name>', 'broker.name'))
  return addNumbers(command, [
    ['--replicas <count>', 'broker.replicas'],
    ['--keep-seconds <seconds>', 'broker.maxAgeSeconds'],
    ['--keep-bytes <bytes>', 'broker.maxBytes'],
    ['--keep-messages <count>', 'broker.maxMessages'],
  ]).addOption(new OptionFlag('--sync-always', 'broker.syncAlways'))
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

/** Of the commands that compare policies on traces. */
export function addTraceEvaluationFlags(command: Command): Command {
  command.requiredOption(
    '--trace <file>',
    'a trace, or a folder of traces; may be given several times',
    collect,
  )
  addReadingFlags(command).option(
    '--target-servers <count>',
    'scale each trace so that its 99.9th percentile needs this many servers',
    number,
  )
  return addEvaluationFlags(command)
}

/** The conditions under which policies are compared. */
export function addEvaluationFlags(command: Command): Command {
  command.option(
    '--config <file>',
    'policies by name, and the conditions that no flag gives, from a YAML file',
  )
  return addNumbers(command, [
    ['--users-per-server <users>', 'evaluation.usersPerServer'],
    ['--provisioning-delay <seconds>', 'evaluation.provisioningDelay'],
    ['--start-up-tail <seconds>', 'evaluation.startUpTail'],
    ['--servers-per-node <count>', 'evaluation.serversPerNode'],
    ['--node-delay <seconds>', 'evaluation.nodeDelay'],
    ['--metric-delay <seconds>', 'evaluation.metricDelay'],
    ['--interval <seconds>', 'evaluation.interval'],
    ['--warm-up <seconds>', 'evaluation.warmUp'],
    ['--overload <share>', 'evaluation.overload'],
    ['--min-servers <count>', 'evaluation.minServers'],
    ['--max-servers <count>', 'evaluation.maxServers'],
    ['--drain-window <seconds>', 'evaluation.drainWindow'],
    ['--session-duration <seconds>', 'evaluation.sessionDuration'],
    ['--full-utilization <share>', 'evaluation.fullUtilization'],
  ])
}

/** How much is logged, and in what form. */
export interface LogFlags {
  quiet?: boolean
  verbose?: boolean
  logLevel?: LogLevel
  logFormat?: 'text' | 'json'
}

/** @param usual the level by default */
export function addLogFlags(command: Command, usual: LogLevel = 'info'): Command {
  const level = new Option('--log-level <level>', `what is logged (${usual})`).choices(LOG_LEVELS)
  const format = new Option('--log-format <format>', 'text on a terminal, json elsewhere')
  return command
    .addOption(level)
    .addOption(format.choices(['text', 'json']))
    .addOption(new Option('--quiet', 'only warnings and errors').conflicts(['verbose', 'logLevel']))
    .addOption(new Option('--verbose', 'also the load of every second').conflicts(['logLevel']))
}

/** Where traces and metrics are sent. */
export interface TelemetryFlags {
  otlpEndpoint?: string
}

export function addTelemetryFlags(command: Command): Command {
  return command.addOption(new OptionFlag('--otlp-endpoint <url>', 'telemetry.endpoint'))
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
