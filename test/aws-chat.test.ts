import {
  AutoScalingClient,
  PutLifecycleHookCommand,
  TerminateInstanceInAutoScalingGroupCommand,
} from '@aws-sdk/client-auto-scaling'
import { afterEach, expect, it } from 'vitest'
import type { ServerStatus } from '../src/cluster/messages.ts'
import type { FleetSnapshot } from '../src/control/control-target.ts'
import { startCli } from './run-cli.ts'
import { startAws } from './support/aws/aws.ts'
import { Instances } from './support/aws/instances.ts'
import { startMetadata } from './support/aws/metadata.ts'
import { motoFolder } from './support/aws/moto.ts'
import { startUsers } from './support/chat-users.ts'
import { startLogging, watchServers } from './support/cluster.ts'
import { requireNats, startNats } from './support/nats.ts'

const folder = motoFolder()
const NAME = 'ec2'
const SLOW = { timeout: 90_000, interval: 200 }

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** NATS, an Auto Scaling Group whose instances are real chat servers, a controller, and a load balancer. */
async function startCluster() {
  const nats = await startNats({ nodes: 1 })
  closing.push(() => nats.close())
  const aws = await startAws(folder!)
  closing.push(() => aws.close())
  const balancer = await watchServers(nats.url, NAME)
  closing.push(() => balancer.close())
  const broker = ['--broker', nats.url, '--cluster-name', NAME, '--replicas', '1', '--anonymous']
  await aws.makeGroup(2)
  await aws.autoScaling.send(
    new PutLifecycleHookCommand({
      AutoScalingGroupName: 'chat',
      LifecycleHookName: 'drain',
      LifecycleTransition: 'autoscaling:EC2_INSTANCE_TERMINATING',
    }),
  )
  aws.proxy.faults.hookMs = 60_000
  const metadata = await startMetadata()
  closing.push(() => metadata.close())
  const boot = (id: string) => {
    const flags = ['--port', '0', '--ref', id, '--leave-seconds', '1', '--drain-seconds', '2']
    const env = { AWS_EC2_METADATA_SERVICE_ENDPOINT: metadata.endpoint(id) }
    return startCli(['server', ...broker, ...flags, '--aws-notices'], env).child
  }
  /** What the server of each instance had last reported when the instance was ended. */
  const ended: (ServerStatus | undefined)[] = []
  const instances = new Instances(aws, boot, (id) => ended.push(balancer.servers.get(id)))
  closing.push(() => instances.close())

  const limits = ['--min-servers', '2', '--max-servers', '4', '--cooldown', '1']
  const thresholds = ['--scale-up-threshold', '5', '--scale-down-threshold', '3']
  const platform = ['--provider', 'aws', '--group', 'chat', '--poll-seconds', '1']
  const startController = async () => {
    const flags = [...broker, ...platform, '--control-port', '0', ...limits, ...thresholds]
    const { child, line } = startLogging(['controller', ...flags])
    closing.push(() => child.kill('SIGKILL'))
    return { child, url: String((await line(({ url }) => url !== undefined)).url) }
  }
  let controller = await startController()
  const fleet = async (): Promise<FleetSnapshot | undefined> => {
    const response = await fetch(`${controller.url}api/state`).catch(() => undefined)
    return response?.status === 200 ? ((await response.json()) as FleetSnapshot) : undefined
  }
  /** Resolves when there are this many instances, every one of them a server that the controller knows to be ready. */
  const settled = async (count: number) => {
    const now = async () => {
      const { ready, servers } = (await fleet()) ?? {}
      const { DesiredCapacity: desired } = await aws.group()
      return { instances: instances.ids.length, desired, ready, servers: servers?.length }
    }
    await expect.poll(now, SLOW).toEqual({ instances: count, desired: count, ready: count, servers: count })
  }
  return {
    broker: nats.url,
    url: balancer.url,
    instances,
    metadata,
    servers: balancer.servers,
    ended,
    settled,
    /** Ends an instance as AWS does by itself, such as a spot one: it is replaced. */
    async interrupt(id: string) {
      const input = { InstanceId: id, ShouldDecrementDesiredCapacity: false }
      const client = new AutoScalingClient({}) // through the proxy, which has the hooks
      await client.send(new TerminateInstanceInAutoScalingGroupCommand(input))
      client.destroy()
    },
    /** Kills the controller at once, and starts another. */
    async replaceController() {
      controller.child.kill('SIGKILL')
      controller = await startController()
    },
  }
}

it.skipIf(!folder || !requireNats())(
  'chat on AWS: the group grows and shrinks with its users, what ends was drained, nothing is lost',
  { timeout: 300_000 },
  async () => {
    const { broker, url, instances, metadata, servers, ended, settled, interrupt, replaceController } =
      await startCluster()
    await settled(2)
    expect([...servers.keys()].sort()).toEqual(instances.ids.sort())

    let load = 8
    const users = startUsers({ url, name: NAME, load: () => load })
    closing.push(() => users.close())
    await expect.poll(() => users.counts.acked, SLOW).toBeGreaterThan(20)
    const scaleOut = await users.cutOff(async () => {
      load = 24
      await settled(4)
    })
    await replaceController()
    await settled(4)

    const interruption = await users.cutOff(async () => {
      const [victim] = instances.ids
      await interrupt(victim!)
      await expect.poll(() => instances.ids.includes(victim!), SLOW).toBe(false)
      await settled(4)
    })
    // Both kinds of notice: none of these instances is ended by AWS.
    const notices = await users.cutOff(async () => {
      const [likely, certain] = instances.ids
      metadata.put(likely!, 'events/recommendations/rebalance', { noticeTime: '2026-01-01T12:00:00Z' })
      await expect.poll(() => instances.ids.includes(likely!), SLOW).toBe(false)
      await settled(4)
      metadata.put(certain!, 'spot/instance-action', { action: 'terminate', time: '2026-01-01T12:02:00Z' })
      await expect.poll(() => instances.ids.includes(certain!), SLOW).toBe(false)
      await settled(4)
    })
    const scaleIn = await users.cutOff(async () => {
      load = 8
      await settled(2)
    })
    const { acked, delivered } = await users.check(broker)
    expect(acked).toBeGreaterThan(100)
    expect(delivered).toBeGreaterThan(acked)
    const cutOff = { scaleOut, interruption, notices, scaleIn }
    expect(cutOff).toEqual({ scaleOut: 0, interruption: 0, notices: 0, scaleIn: 0 })
    const emptied = { state: 'draining', report: expect.objectContaining({ connections: 0 }) }
    expect(ended).toEqual(Array(5).fill(expect.objectContaining(emptied)))
    expect(users.counts.moved).toBeGreaterThan(3)
  },
)
