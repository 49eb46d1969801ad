import { type Command, Option } from 'commander'
import { invalidInput } from '../base/errors.ts'
import { AWSIntegration, type CloudProvider, K8sIntegration } from '../fleet/integrations.ts'
import type { DrainHooks, ProviderFactory } from '../fleet/provider.ts'
import { commandProvider } from '../fleet/providers/command.ts'
import { collect, type LogFlags, number, type ScalingFlags } from './flags.ts'

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
}

/** Where the servers are, as flags name it. */
export interface ProviderFlags extends CloudFlags {
  command?: string
  initial?: number
}

function required<T>(flag: string, value: T | undefined, provider: string): T {
  if (value === undefined) throw invalidInput(flag, `provider ${provider} needs it`, `${flag} <value>`)
  return value
}

/** One line for each cloud. */
const CLOUDS = {
  kubernetes: (
    { namespace, deployment, kubeconfig, context }: CloudFlags,
    hooks?: DrainHooks,
  ): CloudProvider =>
    new K8sIntegration(
      {
        deployment: required('--deployment', deployment, 'kubernetes'),
        namespace,
        kubeconfig,
        context,
      },
      hooks,
    ),
  aws: (
    { group, region, instanceType, launchTemplate, subnet }: CloudFlags,
    hooks?: DrainHooks,
  ): CloudProvider =>
    new AWSIntegration(
      {
        group: required('--group', group, 'aws'),
        region,
        instanceType,
        launchTemplate,
        subnets: subnet,
      },
      hooks,
    ),
}

/** Flags that mean nothing without `--provider`. */
const CLOUD_ONLY = [
  'namespace',
  'deployment',
  'kubeconfig',
  'context',
  'group',
  'region',
  'instanceType',
  'launchTemplate',
  'subnet',
] as const

const isCloud = (name: string | undefined): name is keyof typeof CLOUDS =>
  Object.keys(CLOUDS).includes(name ?? '')

function addCloudFlags(command: Command): Command {
  return command
    .option('--namespace <name>', "kubernetes: of the Deployment (the kubeconfig's, or the pod's)")
    .option('--deployment <name>', 'kubernetes: whose replicas are scaled')
    .option('--kubeconfig <file>', 'kubernetes: credentials (KUBECONFIG, the pod, or ~/.kube/config)')
    .option('--context <name>', 'kubernetes: of the kubeconfig (its current one)')
    .option('--group <name>', 'aws: the Auto Scaling Group')
    .option('--region <name>', 'aws: its region (AWS_REGION)')
    .option('--instance-type <type>', 'aws: what its instances are; a group of others is refused')
    .option('--launch-template <name>', 'aws: from which the group is created if there is none')
    .option('--subnet <id>', 'aws: of a group that is created; may be given several times', collect)
}

/** For commands whose servers may be in a cloud. */
export function addDemoProviderFlags(command: Command): Command {
  const provider = new Option('--provider <name>', 'scale real servers there, by the simulated users')
  return addCloudFlags(command.addOption(provider.choices(Object.keys(CLOUDS))))
}

/**
 * The cloud that the flags name; undefined without `--provider`.
 * @throws {ConcertinaError} INVALID_INPUT, naming the flag.
 */
export function cloudOf(flags: CloudFlags): CloudProvider | undefined {
  const { provider } = flags
  if (isCloud(provider)) return CLOUDS[provider](flags)
  const given = CLOUD_ONLY.find((name) => flags[name] !== undefined)
  if (given !== undefined) throw invalidInput(given, 'there is no --provider', 'together with --provider')
  return undefined
}

export function addProviderFlags(command: Command): Command {
  const names = ['local', 'none', ...Object.keys(CLOUDS), 'command']
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
 * @param hooks how a chosen server is emptied before it is removed
 * @throws {ConcertinaError} INVALID_INPUT, naming the flag.
 */
export function providerOf(flags: ProviderFlags, hooks?: DrainHooks): ProviderFactory {
  const { provider, command, initial = 0 } = flags
  if (isCloud(provider)) return CLOUDS[provider](flags, hooks).provider
  if (provider === 'command') return commandProvider(required('--command', command, 'command'), initial)
  const allowed = [...Object.keys(CLOUDS), 'command'].join(', ')
  if (provider === undefined) throw invalidInput('--provider', 'it is missing', allowed)
  throw invalidInput('--provider', `${provider} is only for chat`, allowed)
}
