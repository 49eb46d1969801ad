import { z } from 'zod'
import { count, type OptionsOf, option, optionSet } from '../base/options.ts'
import type { ProviderFactory, ServerHooks } from './provider.ts'
import { awsProvider, DEFAULT_POLL_SECONDS } from './providers/aws/provider.ts'
import { type KubernetesHooks, kubernetesProvider } from './providers/kubernetes/provider.ts'

/** Where the servers of a demonstration really are. */
export interface CloudProvider {
  /** In a few words, for people. */
  readonly description: string
  readonly provider: ProviderFactory
}

const name = z.string().min(1)

/** Where a Deployment is, for library and CLI alike. */
export const k8sOptions = optionSet({
  deployment: name.describe('the Deployment whose replicas are the servers'),
  namespace: option(name, "of the Deployment; default that of the kubeconfig's context, or of the pod"),
  kubeconfig: option(name, "file; default KUBECONFIG, the pod's service account, or ~/.kube/config"),
  context: option(name, 'of the kubeconfig; default its current one'),
})

/** Options of `K8sIntegration`. */
export type K8sIntegrationOptions = OptionsOf<typeof k8sOptions.shape>

/** A Deployment of a Kubernetes cluster: its replicas are the servers. */
export class K8sIntegration implements CloudProvider {
  readonly description: string
  readonly provider: ProviderFactory

  /** @throws {ConcertinaError} INVALID_INPUT or FILE_ACCESS, for options and credentials. */
  constructor(options: K8sIntegrationOptions, hooks: KubernetesHooks = {}) {
    const parsed = k8sOptions.parse(options)
    const { deployment, namespace } = parsed
    this.description = `Deployment ${deployment}${namespace === undefined ? '' : ` in namespace ${namespace}`}`
    this.provider = kubernetesProvider({ ...parsed, ...hooks })
  }
}

/** Where an Auto Scaling Group is, for library and CLI alike. */
export const awsOptions = optionSet({
  region: option(name, 'default AWS_REGION, or that of the profile'),
  group: option(name, 'the Auto Scaling Group whose instances are the servers', 'auto-scaling-chat'),
  instanceType: option(name, 'what the instances are; a group of others is rejected'),
  launchTemplate: option(name, 'name of the launch template from which a missing group is created'),
  subnets: option(z.array(name).min(1), 'of a group that is created; default those of the launch template'),
  maxSize: option(count, 'of a group that is created', 10),
  pollSeconds: option(z.number().positive(), 'seconds between two polls of the group', DEFAULT_POLL_SECONDS),
})

/** Options of `AWSIntegration`. */
export type AWSIntegrationOptions = OptionsOf<typeof awsOptions.shape>

/** An Auto Scaling Group of EC2: its instances are the servers. */
export class AWSIntegration implements CloudProvider {
  readonly description: string
  readonly provider: ProviderFactory

  /** @throws {ConcertinaError} INVALID_INPUT, naming the option. */
  constructor(options: AWSIntegrationOptions = {}, hooks: ServerHooks = {}) {
    const { launchTemplate, subnets, maxSize, ...parsed } = awsOptions.parse(options)
    const { group, region, instanceType } = parsed
    const of = instanceType === undefined ? '' : ` of ${instanceType}`
    this.description = `Auto Scaling Group ${group}${of}${region === undefined ? '' : ` in ${region}`}`
    this.provider = awsProvider({
      ...parsed,
      ...hooks,
      ...(launchTemplate !== undefined && { create: { launchTemplate, subnets, maxSize } }),
    })
  }
}
