import type * as AutoScaling from '@aws-sdk/client-auto-scaling'
import { ConcertinaError } from '../../../base/errors.ts'
import { timeoutSignal } from '../../../base/timeout-signal.ts'

/** One instance as the group lists it. */
export interface GroupInstance {
  readonly id: string
  /** Such as `InService`, `Pending:Wait`, `Terminating:Wait`. */
  readonly state: string
  readonly healthy: boolean
  readonly protectedFromScaleIn: boolean
}

/** An Auto Scaling Group at one moment; AWS may answer with one that is some seconds old. */
export interface GroupView {
  readonly desired: number
  readonly min: number
  readonly max: number
  readonly instances: readonly GroupInstance[]
  /** Types of the instances there are and, where the group names them itself, of those to come. */
  readonly instanceTypes: readonly string[]
}

/** What a group is made of that does not exist yet. */
export interface NewGroup {
  /** Name of the launch template. */
  readonly launchTemplate: string
  /** Default: that of the launch template. */
  readonly instanceType?: string | undefined
  /** Default: that of the launch template. */
  readonly subnets?: readonly string[] | undefined
  readonly maxSize: number
}

/** Transient errors of AWS. */
const PASSING = new Set([
  'Throttling',
  'ThrottlingException',
  'RequestLimitExceeded',
  'ScalingActivityInProgressFault',
  'ScalingActivityInProgress',
  'ResourceContentionFault',
  'ResourceContention',
  'InternalFailure',
  'ServiceUnavailable',
])
const MAX_ATTEMPTS = 5
const CALL_TIMEOUT_MS = 15_000

/** Whether an error of AWS is transient, so that the same call may succeed later. */
export function isTransient(error: unknown): boolean {
  const { name, $metadata } = error as { name?: string; $metadata?: { httpStatusCode?: number } }
  return PASSING.has(name ?? '') || ($metadata?.httpStatusCode ?? 500) >= 500
}

async function sdk(): Promise<typeof AutoScaling> {
  try {
    return await import('@aws-sdk/client-auto-scaling')
  } catch (error) {
    throw new ConcertinaError(
      'INVALID_INPUT',
      'provider aws: @aws-sdk/client-auto-scaling is not installed',
      {
        hint: 'npm install @aws-sdk/client-auto-scaling',
        where: 'provider',
        cause: error,
      },
    )
  }
}

/** The calls to one Auto Scaling Group. Every write may be repeated without harm. */
export class AutoScalingGroup {
  readonly name: string
  readonly #region: string | undefined
  #api: { client: AutoScaling.AutoScalingClient; commands: typeof AutoScaling } | undefined

  constructor(name: string, region: string | undefined) {
    this.name = name
    this.#region = region
  }

  /** @throws {ConcertinaError} INVALID_INPUT when the SDK is not installed. */
  async open(): Promise<void> {
    const commands = await sdk()
    const client = new commands.AutoScalingClient({
      ...(this.#region !== undefined && { region: this.#region }),
      maxAttempts: MAX_ATTEMPTS,
      retryMode: 'adaptive',
    })
    this.#api = { client, commands }
  }

  close(): void {
    this.#api?.client.destroy()
  }

  get #opened() {
    if (!this.#api) throw new Error('the group is not open')
    return this.#api
  }

  get #timeout() {
    return { abortSignal: timeoutSignal(CALL_TIMEOUT_MS) }
  }

  /** The group as it is now; undefined when no group has this name. */
  async describe(): Promise<GroupView | undefined> {
    const { client, commands } = this.#opened
    const command = new commands.DescribeAutoScalingGroupsCommand({ AutoScalingGroupNames: [this.name] })
    const { AutoScalingGroups = [] } = await client.send(command, this.#timeout)
    const [group] = AutoScalingGroups
    if (!group) return undefined
    const overrides = group.MixedInstancesPolicy?.LaunchTemplate?.Overrides ?? []
    const types = [...(group.Instances ?? []), ...overrides].map(({ InstanceType }) => InstanceType)
    return {
      instanceTypes: [...new Set(types.filter((type) => type !== undefined))],
      desired: group.DesiredCapacity ?? 0,
      min: group.MinSize ?? 0,
      max: group.MaxSize ?? 0,
      instances: (group.Instances ?? []).map((instance) => ({
        id: instance.InstanceId!,
        state: instance.LifecycleState ?? 'Pending',
        healthy: instance.HealthStatus !== 'Unhealthy',
        protectedFromScaleIn: instance.ProtectedFromScaleIn ?? false,
      })),
    }
  }

  /**
   * Creates the group, empty, with every instance to come protected from the choice of AWS.
   * @returns what it is then; AWS may not list it yet
   */
  async create({ launchTemplate, instanceType, subnets, maxSize }: NewGroup): Promise<GroupView> {
    const { client, commands } = this.#opened
    const template = { LaunchTemplateName: launchTemplate, Version: '$Latest' }
    const command = new commands.CreateAutoScalingGroupCommand({
      AutoScalingGroupName: this.name,
      MinSize: 0,
      MaxSize: maxSize,
      DesiredCapacity: 0,
      NewInstancesProtectedFromScaleIn: true,
      ...(subnets && { VPCZoneIdentifier: subnets.join(',') }),
      ...(instanceType === undefined
        ? { LaunchTemplate: template }
        : {
            MixedInstancesPolicy: {
              LaunchTemplate: {
                LaunchTemplateSpecification: template,
                Overrides: [{ InstanceType: instanceType }],
              },
            },
          }),
    })
    await client.send(command, this.#timeout)
    return { desired: 0, min: 0, max: maxSize, instances: [], instanceTypes: [] }
  }

  /** Why the last launches failed, newest first. */
  async failedActivities(): Promise<{ id: string; reason: string }[]> {
    const { client, commands } = this.#opened
    const input = { AutoScalingGroupName: this.name, MaxRecords: 10 }
    const command = new commands.DescribeScalingActivitiesCommand(input)
    const { Activities = [] } = await client.send(command, this.#timeout)
    return Activities.filter(({ StatusCode }) => StatusCode === 'Failed').map((activity) => ({
      id: activity.ActivityId ?? '',
      reason: activity.StatusMessage ?? activity.Description ?? 'no reason given',
    }))
  }

  async setDesired(count: number): Promise<void> {
    const { client, commands } = this.#opened
    const input = { AutoScalingGroupName: this.name, DesiredCapacity: count, HonorCooldown: false }
    await client.send(new commands.SetDesiredCapacityCommand(input), this.#timeout)
  }

  /** Keeps AWS from choosing these when it scales in. */
  async protect(ids: readonly string[]): Promise<void> {
    const { client, commands } = this.#opened
    const input = { AutoScalingGroupName: this.name, InstanceIds: [...ids], ProtectedFromScaleIn: true }
    await client.send(new commands.SetInstanceProtectionCommand(input), this.#timeout)
  }

  /** Ends this very instance; with `decrement` the group does not replace it. */
  async terminate(id: string, decrement: boolean): Promise<void> {
    const { client, commands } = this.#opened
    const input = { InstanceId: id, ShouldDecrementDesiredCapacity: decrement }
    await client.send(new commands.TerminateInstanceInAutoScalingGroupCommand(input), this.#timeout)
  }

  /** The names of the group's hooks that hold an instance before it ends. */
  async terminatingHooks(): Promise<string[]> {
    const { client, commands } = this.#opened
    const input = { AutoScalingGroupName: this.name }
    const command = new commands.DescribeLifecycleHooksCommand(input)
    const { LifecycleHooks = [] } = await client.send(command, this.#timeout)
    return LifecycleHooks.filter(
      ({ LifecycleTransition }) => LifecycleTransition === 'autoscaling:EC2_INSTANCE_TERMINATING',
    ).map(({ LifecycleHookName }) => LifecycleHookName!)
  }

  /** Asks for more time before a held instance ends. */
  async heartbeat(hook: string, id: string): Promise<void> {
    const { client, commands } = this.#opened
    const input = { AutoScalingGroupName: this.name, LifecycleHookName: hook, InstanceId: id }
    await client.send(new commands.RecordLifecycleActionHeartbeatCommand(input), this.#timeout)
  }

  /** Lets a held instance end. */
  async complete(hook: string, id: string): Promise<void> {
    const { client, commands } = this.#opened
    const input = { AutoScalingGroupName: this.name, LifecycleHookName: hook, InstanceId: id }
    const command = new commands.CompleteLifecycleActionCommand({
      ...input,
      LifecycleActionResult: 'CONTINUE',
    })
    await client.send(command, this.#timeout)
  }
}
