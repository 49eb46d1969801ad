import { type Command, Option } from 'commander'
import {
  addFleetsFlags,
  addTelemetryFlags,
  CONFIG,
  DECISIONS,
  type FleetsFlags,
  type LogFlags,
  type ScalingFlags,
  type TelemetryFlags,
} from './flags.ts'
import { collect, number, OptionFlag } from './option-flag.ts'

/** Where the load of a workload is read, and what every controller of one has. */
export interface WorkloadFlags extends ScalingFlags, LogFlags, FleetsFlags, TelemetryFlags {
  config?: string
  prometheus?: string
  loadQuery?: string
  prometheusCa?: string
  prometheusCert?: string
  prometheusKey?: string
  maxAge?: number
  decisions?: string
  controlHost?: string
  controlPort?: number
}

/** A Deployment or an Auto Scaling Group, as flags name it. */
export interface CloudFlags {
  provider?: string
  namespace?: string
  deployment?: string
  kubeconfig?: string
  context?: string
  group?: string
  region?: string
  instanceType?: string
  launchTemplate?: string
  subnet?: string[]
  pollSeconds?: number
}

/** Where the servers are, as flags name it. */
export interface ProviderFlags extends CloudFlags {
  command?: string
  initial?: number
  scaleBy?: 'replicas' | 'metric'
  metricPort?: number
  metricCert?: string
  metricKey?: string
}

/** Clouds that servers may be in. */
export const CLOUD_NAMES = ['kubernetes', 'aws'] as const

function addCloudFlags(command: Command): Command {
  return command
    .addOption(new OptionFlag('--namespace <name>', 'kubernetes.namespace'))
    .addOption(new OptionFlag('--deployment <name>', 'kubernetes.deployment'))
    .addOption(new OptionFlag('--kubeconfig <file>', 'kubernetes.kubeconfig'))
    .addOption(new OptionFlag('--context <name>', 'kubernetes.context'))
    .option('--group <name>', 'aws: the Auto Scaling Group whose instances are the servers')
    .addOption(new OptionFlag('--region <name>', 'aws.region'))
    .addOption(new OptionFlag('--instance-type <type>', 'aws.instanceType'))
    .addOption(new OptionFlag('--launch-template <name>', 'aws.launchTemplate'))
    .addOption(new OptionFlag('--subnet <id>', 'aws.subnets').argParser(collect))
    .addOption(new OptionFlag('--poll-seconds <seconds>', 'aws.pollSeconds').argParser(number))
}

/** For commands whose servers may be in a cloud. */
export function addDemoProviderFlags(command: Command): Command {
  const provider = new Option('--provider <name>', 'scale real servers there, by the simulated users')
  return addCloudFlags(command.addOption(provider.choices(CLOUD_NAMES)))
}

export function addProviderFlags(command: Command): Command {
  const names = ['local', 'none', ...CLOUD_NAMES, 'command']
  const provider = new Option(
    '--provider <name>',
    'where the servers are; of chat also local (default: starts them here) and none (only drains)',
  )
  return addCloudFlags(command.addOption(provider.choices(names)))
    .option(
      '--command <command>',
      'command: run with the desired size, in place of {} or as the last argument',
    )
    .addOption(new OptionFlag('--initial <count>', 'command.initial').argParser(number))
    .addOption(
      new Option(
        '--scale-by <way>',
        'kubernetes: set the replicas, or publish them as a metric for an HPA (replicas)',
      ).choices(['replicas', 'metric']),
    )
    .addOption(new OptionFlag('--metric-port <port>', 'metric.metricPort').argParser(number))
    .option('--metric-cert <file>', 'its certificate, for the name <service>.<namespace>.svc')
    .option('--metric-key <file>', 'the key of the certificate')
}

/** Where the load of a workload is read, and what every controller has. */
export function addPrometheusFlags(command: Command): Command {
  return addFleetsFlags(addTelemetryFlags(command))
    .option('--prometheus <url>', 'of the server; CONCERTINA_PROMETHEUS_TOKEN is its bearer token')
    .option('--load-query <promql>', 'PromQL whose result, one number, is the load')
    .option('--prometheus-ca <file>', 'certificate authority of the server')
    .option('--prometheus-cert <file>', 'client certificate, with --prometheus-key')
    .option('--prometheus-key <file>', 'its key')
    .addOption(new OptionFlag('--max-age <seconds>', 'prometheus.maxAge').argParser(number))
    .option(...CONFIG)
    .addOption(new OptionFlag('--control-host <address>', 'live.controlHost'))
    .addOption(new OptionFlag('--control-port <port>', 'live.controlPort').argParser(number))
    .option(...DECISIONS)
}
