import { type Command, Option } from 'commander'
import { invalidInput } from '../base/errors.ts'
import type { ProviderFactory } from '../fleet/provider.ts'
import { awsProvider } from '../fleet/providers/aws/provider.ts'
import { commandProvider } from '../fleet/providers/command.ts'
import { kubernetesProvider } from '../fleet/providers/kubernetes/provider.ts'
import { type LogFlags, number, type ScalingFlags } from './flags.ts'

/** Where the load of a workload is read, and what every controller of one has. */
export interface WorkloadFlags extends ScalingFlags, LogFlags {
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

/** Where the servers are, as flags name it. */
export interface ProviderFlags {
  provider?: string
  namespace?: string
  deployment?: string
  kubeconfig?: string
  context?: string
  group?: string
  region?: string
  command?: string
  initial?: number
}

function required<T>(flag: string, value: T | undefined, provider: string): T {
  if (value === undefined) throw invalidInput(flag, `provider ${provider} needs it`, `${flag} <value>`)
  return value
}

/** One line for each provider that scales what is somewhere else. */
const PROVIDERS = {
  kubernetes: (flags: ProviderFlags) =>
    kubernetesProvider({ ...flags, deployment: required('--deployment', flags.deployment, 'kubernetes') }),
  aws: ({ group, region }: ProviderFlags) =>
    awsProvider({ group: required('--group', group, 'aws'), region }),
  command: ({ command, initial = 0 }: ProviderFlags) =>
    commandProvider(required('--command', command, 'command'), initial),
}

export function addProviderFlags(command: Command): Command {
  const names = ['local', 'none', ...Object.keys(PROVIDERS)]
  return command
    .addOption(
      new Option(
        '--provider <name>',
        'where the servers are; of chat also local (default: starts them here) and none (only drains)',
      ).choices(names),
    )
    .option('--namespace <name>', "kubernetes: of the Deployment (the kubeconfig's, or the pod's)")
    .option('--deployment <name>', 'kubernetes: whose replicas are scaled')
    .option('--kubeconfig <file>', 'kubernetes: credentials (KUBECONFIG, the pod, or ~/.kube/config)')
    .option('--context <name>', 'kubernetes: of the kubeconfig (its current one)')
    .option('--group <name>', 'aws: the Auto Scaling Group')
    .option('--region <name>', 'aws: its region (AWS_REGION)')
    .option(
      '--command <command>',
      'command: run with the desired size, in place of {} or as the last argument',
    )
    .option('--initial <count>', 'command: servers that run already (0)', number)
}

/** Where the load of a workload is read, and what every controller has. */
export function addPrometheusFlags(command: Command): Command {
  return command
    .option('--prometheus <url>', 'of the server; CONCERTINA_PROMETHEUS_TOKEN is its bearer token')
    .option('--load-query <promql>', 'PromQL whose result, one number, is the load')
    .option('--prometheus-ca <file>', 'certificate authority of the server')
    .option('--prometheus-cert <file>', 'client certificate, with --prometheus-key')
    .option('--prometheus-key <file>', 'its key')
    .option('--max-age <seconds>', 'a sample older than this is missing (60)', number)
    .option('--config <file>', 'take everything that no flag sets from a YAML file')
    .option('--control-host <address>', 'of dashboard and control API (127.0.0.1)')
    .option('--control-port <port>', 'of dashboard and control API (8081)', number)
    .option(
      '--decisions <file>',
      'write every decision there, one JSON object a line, for explain and replay',
    )
}

/**
 * The provider of servers that are somewhere else.
 * @throws {ConcertinaError} INVALID_INPUT, naming the flag.
 */
export function providerOf(flags: ProviderFlags): ProviderFactory {
  const make = PROVIDERS[flags.provider as keyof typeof PROVIDERS]
  const allowed = Object.keys(PROVIDERS).join(', ')
  if (flags.provider === undefined) throw invalidInput('--provider', 'it is missing', allowed)
  if (!make) throw invalidInput('--provider', `${flags.provider} is only for chat`, allowed)
  return make(flags)
}
