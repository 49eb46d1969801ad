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
    .option('--namespace <name>', "kubernetes: of the Deployment (the kubeconfig's, or the pod's)")
    .option('--deployment <name>', 'kubernetes: whose replicas are scaled')
    .option('--kubeconfig <file>', 'kubernetes: credentials (KUBECONFIG, the pod, or ~/.kube/config)')
    .option('--context <name>', 'kubernetes: of the kubeconfig (its current one)')
    .option('--group <name>', 'aws: the Auto Scaling Group')
    .option('--region <name>', 'aws: its region (AWS_REGION)')
    .option('--instance-type <type>', 'aws: what its instances are; a group of others is rejected')
    .option('--launch-template <name>', 'aws: from which a missing group is created')
    .option('--subnet <id>', 'aws: of a group that is created; may be given several times', collect)
    .option('--poll-seconds <seconds>', 'aws: between two polls of the group (10)', number)
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
    .option('--initial <count>', 'command: servers that run already (0)', number)
    .addOption(
      new Option(
        '--scale-by <way>',
        'kubernetes: set the replicas, or publish them as a metric for an HPA (replicas)',
      ).choices(['replicas', 'metric']),
    )
    .option('--metric-port <port>', 'of that metric, for the API server (8443)', number)
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
    .option('--max-age <seconds>', 'a sample older than this is missing (60)', number)
    .option(...CONFIG)
    .addOption(new OptionFlag('--control-host <address>', 'live.controlHost'))
    .addOption(new OptionFlag('--control-port <port>', 'live.controlPort').argParser(number))
    .option(...DECISIONS)
}
