import { invalidInput } from '../base/errors.ts'
import type { BusHooks } from '../cluster/bus-hooks.ts'
import { AWSIntegration, type CloudProvider, K8sIntegration } from '../fleet/integrations.ts'
import type { ProviderFactory } from '../fleet/provider.ts'
import { commandProvider } from '../fleet/providers/command.ts'
import type { KubernetesHooks } from '../fleet/providers/kubernetes/provider.ts'
import { needed } from './option-flag.ts'
import { CLOUD_NAMES, type CloudFlags, type ProviderFlags } from './workload-flags.ts'

/** What a platform cannot know of the servers on it, and where their number goes. */
type PlatformHooks = Partial<BusHooks> & Pick<KubernetesHooks, 'publish'>

/** One line for each cloud. */
const CLOUDS: Record<
  (typeof CLOUD_NAMES)[number],
  (flags: CloudFlags, hooks?: PlatformHooks) => CloudProvider
> = {
  // Whether a pod serves is what its readiness says.
  kubernetes: ({ namespace, deployment, kubeconfig, context }, hooks) =>
    new K8sIntegration(
      {
        deployment: needed('--deployment', deployment, 'provider kubernetes needs it'),
        namespace,
        kubeconfig,
        context,
      },
      hooks && { empty: hooks.empty, restore: hooks.restore, publish: hooks.publish },
    ),
  aws: ({ group, region, instanceType, launchTemplate, subnet, pollSeconds }, hooks) =>
    new AWSIntegration(
      {
        group: needed('--group', group, 'provider aws needs it'),
        region,
        instanceType,
        launchTemplate,
        subnets: subnet,
        pollSeconds,
      },
      hooks && { empty: hooks.empty, restore: hooks.restore, serves: hooks.serves },
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
  'pollSeconds',
] as const

const isCloud = (name: string | undefined): name is keyof typeof CLOUDS =>
  (CLOUD_NAMES as readonly unknown[]).includes(name)

/**
 * The cloud that the flags name; undefined without `--provider`.
 * @throws {ConcertinaError} INVALID_INPUT, naming the flag.
 */
export function cloudOf(flags: CloudFlags): CloudProvider | undefined {
  const { provider } = flags
  if (isCloud(provider)) return CLOUDS[provider](flags)
  const given = CLOUD_ONLY.find((name) => flags[name] !== undefined)
  if (given !== undefined) throw invalidInput(given, 'needs --provider', 'together with --provider')
  return undefined
}

/**
 * The provider of servers that are somewhere else.
 * @param hooks what the platform cannot know of the chat servers on it
 * @throws {ConcertinaError} INVALID_INPUT, naming the flag.
 */
export function providerOf(flags: ProviderFlags, hooks?: PlatformHooks): ProviderFactory {
  const { provider, command, initial } = flags
  if (isCloud(provider)) return CLOUDS[provider](flags, hooks).provider
  if (provider === 'command')
    return commandProvider(needed('--command', command, 'provider command needs it'), { initial })
  const allowed = [...CLOUD_NAMES, 'command'].join(', ')
  if (provider === undefined) throw invalidInput('--provider', 'it is missing', allowed)
  throw invalidInput('--provider', `${provider} is only for chat`, allowed)
}
