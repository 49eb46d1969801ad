import * as AutoScaling from '@aws-sdk/client-auto-scaling'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { wallClock } from '../src/base/clock.ts'
import { runAutoScalingDemo } from '../src/demo.ts'
import { providerChecks } from '../src/fleet/conformance.ts'
import { Fleet } from '../src/fleet/fleet.ts'
import { AWSIntegration } from '../src/fleet/integrations.ts'
import { type AwsOptions, awsProvider } from '../src/fleet/providers/aws/provider.ts'
import { type Aws, startAws } from './support/aws/aws.ts'
import type { FaultProxy } from './support/aws/fault-proxy.ts'
import { motoFolder } from './support/aws/moto.ts'

const folder = motoFolder()

describe.skipIf(!folder)('the aws provider', { timeout: 60_000 }, () => {
  let aws: Aws
  let proxy: FaultProxy
  const open: Fleet[] = []

  beforeAll(async () => {
    aws = await startAws(folder!)
    proxy = aws.proxy
  }, 60_000)
  afterAll(() => aws?.close())
  afterEach(async () => {
    for (const fleet of open.splice(0)) await fleet.close()
    await aws.reset()
  })

  const desired = async () => (await aws.group()).DesiredCapacity
  const instances = async () => ((await aws.group()).Instances ?? []).map(({ InstanceId }) => InstanceId!)

  async function fleetOf(options: Partial<AwsOptions> = {}) {
    const problems: string[] = []
    const provider = awsProvider({ group: 'chat', pollSeconds: 0.2, ...options })
    const fleet = new Fleet(wallClock(), provider, {
      replaceFailed: true,
      onProblem: (reason) => problems.push(reason),
    })
    open.push(fleet)
    await fleet.start()
    const ready = (count: number) =>
      expect.poll(() => [fleet.ready.length, fleet.desiredCount], { timeout: 20_000 }).toEqual([count, count])
    return { fleet, ready, problems }
  }

  describe('conformance', () => {
    let late = new Map<string, number>()
    const serves = async (id: string) => {
      late.set(id, (late.get(id) ?? 0) + 1)
      return late.get(id)! > 2
    }
    const provider = awsProvider({ group: 'chat', pollSeconds: 0.1, serves })
    for (const { name, run } of providerChecks({ provider, outlives: true, reset: () => aws.reset() })) {
      it(name, async () => {
        late = new Map()
        await aws.makeGroup(0)
        await run()
      })
    }
  })

  it('adopts, raises the desired capacity, protects, and ends the chosen instance', async () => {
    await aws.makeGroup(2)
    const emptied: string[] = []
    const { fleet, ready } = await fleetOf({ empty: async (id) => void emptied.push(id) })
    await ready(2)
    fleet.scaleTo(10)
    expect(fleet.desiredCount).toBe(10)
    await ready(10)
    expect(await desired()).toBe(10)
    const isProtected = async () =>
      ((await aws.group()).Instances ?? []).every(({ ProtectedFromScaleIn }) => ProtectedFromScaleIn)
    await expect.poll(isProtected).toBe(true)
    const chosen = fleet.ready[3]!
    fleet.drain(chosen.id)
    await expect.poll(() => chosen.state).toBe('stopped')
    expect([await desired(), (await instances()).includes(chosen.ref!), emptied]).toEqual([
      9,
      false,
      [chosen.ref],
    ])
    fleet.scaleTo(2)
    await ready(2)
    await expect.poll(instances).toHaveLength(2)
    expect(await desired()).toBe(2)
    expect((await instances()).sort()).toEqual(fleet.ready.map(({ ref }) => ref).sort())
  })

  it('comes to the same counts when AWS throttles, answers from the past, and loses answers', async () => {
    await aws.makeGroup(2)
    Object.assign(proxy.faults, { throttleEvery: 4, staleMs: 600 })
    const { fleet, ready } = await fleetOf()
    await ready(2)
    fleet.scaleTo(6)
    await ready(6)
    expect(await desired()).toBe(6)
    proxy.faults.loseAnswer = 'TerminateInstanceInAutoScalingGroup'
    fleet.scaleTo(3)
    expect(fleet.desiredCount).toBe(3)
    await expect.poll(instances, { timeout: 30_000 }).toHaveLength(3)
    await ready(3)
    expect([await desired(), proxy.throttled > 0]).toEqual([3, true])
    expect((await instances()).sort()).toEqual(fleet.ready.map(({ ref }) => ref).sort())
  })

  it('drains what AWS ends by itself while a hook holds it, then lets it end', async () => {
    await aws.makeGroup(3)
    await aws.autoScaling.send(
      new AutoScaling.PutLifecycleHookCommand({
        AutoScalingGroupName: 'chat',
        LifecycleHookName: 'drain',
        LifecycleTransition: 'autoscaling:EC2_INSTANCE_TERMINATING',
      }),
    )
    proxy.faults.hookMs = 700
    const times: number[] = []
    const empty = async () => {
      times.push(Date.now())
      await new Promise((resolve) => setTimeout(resolve, 1500))
      times.push(Date.now())
    }
    const { fleet, ready } = await fleetOf({ empty, heartbeatSeconds: 0.2 })
    await ready(3)
    const [victim] = fleet.ready
    // A spot interruption: AWS ends the instance, and replaces it.
    const client = new AutoScaling.AutoScalingClient({})
    const input = { InstanceId: victim!.ref!, ShouldDecrementDesiredCapacity: false }
    await client.send(new AutoScaling.TerminateInstanceInAutoScalingGroupCommand(input))
    await expect.poll(() => victim!.state).toBe('draining')
    expect(fleet.desiredCount).toBe(3)
    await expect.poll(() => victim!.state, { timeout: 10_000 }).toBe('stopped')
    expect([times.length, proxy.calls.get('CompleteLifecycleAction')]).toEqual([2, 1])
    expect(proxy.calls.get('RecordLifecycleActionHeartbeat')).toBeGreaterThan(3)
    await ready(3)
    expect(await desired()).toBe(3)
  })

  it('takes an instance back that AWS will not end, and stops at the maximum', async () => {
    await aws.makeGroup(1, { max: 3, min: 1 })
    const restored: string[] = []
    const { fleet, ready, problems } = await fleetOf({ restore: (id) => restored.push(id) })
    await ready(1)
    fleet.scaleTo(5)
    await ready(3)
    expect(problems.join()).toContain("the group's maximum is 3, and 5 are desired")
    expect(await desired()).toBe(3)
    fleet.scaleTo(1)
    await expect.poll(desired).toBe(1)
    await ready(1)
    const [last] = fleet.ready
    fleet.drain(last!.id)
    await expect.poll(() => restored, { timeout: 30_000 }).toEqual([last!.ref])
    expect([last!.state, await desired()]).toEqual(['ready', 1])
  })

  it('says what is missing', async () => {
    await expect(fleetOf({ group: 'nope' })).rejects.toThrow('no Auto Scaling Group nope')
  })

  it('is what the demonstration scales, by its simulated users, in a group that it creates', async () => {
    await aws.makeGroup(0)
    const integration = { group: 'demo', instanceType: 't3.medium', pollSeconds: 0.1 }
    const demo = { duration: 7, peakRate: 60, cooldown: 1, scaleUpThreshold: 12, write: () => {} }
    await expect(
      runAutoScalingDemo({ ...demo, cloudProvider: new AWSIntegration(integration) }),
    ).rejects.toThrow('no Auto Scaling Group demo')
    const cloudProvider = new AWSIntegration({
      ...integration,
      launchTemplate: 'chat',
      subnets: await aws.subnets(),
    })
    const { peakServers, scalingEvents } = await runAutoScalingDemo({ ...demo, cloudProvider })
    expect(peakServers).toBeGreaterThan(3)
    const command = new AutoScaling.DescribeAutoScalingGroupsCommand({ AutoScalingGroupNames: ['demo'] })
    const created = (await aws.autoScaling.send(command)).AutoScalingGroups![0]!
    expect(created.DesiredCapacity).toBe(scalingEvents.at(-1)!.to)
    expect(created.NewInstancesProtectedFromScaleIn).toBe(true)
    expect(created.MixedInstancesPolicy?.LaunchTemplate?.Overrides).toEqual([{ InstanceType: 't3.medium' }])
    const other = new AWSIntegration({ ...integration, instanceType: 'm7g.large' })
    await expect(runAutoScalingDemo({ ...demo, cloudProvider: other })).rejects.toThrow(
      'instanceType: the instances of demo are not m7g.large',
    )
  })
})
