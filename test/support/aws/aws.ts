import {
  AutoScalingClient,
  type AutoScalingGroup,
  CreateAutoScalingGroupCommand,
  DescribeAutoScalingGroupsCommand,
} from '@aws-sdk/client-auto-scaling'
import { CreateLaunchTemplateCommand, DescribeSubnetsCommand, EC2Client } from '@aws-sdk/client-ec2'
import { FaultProxy } from './fault-proxy.ts'
import { startMoto } from './moto.ts'

/** A stand-in for AWS, and what a test does to it past the faults. */
export interface Aws {
  /** Between AWS and those whose environment is this process's. */
  readonly proxy: FaultProxy
  readonly autoScaling: AutoScalingClient
  subnets(): Promise<string[]>
  /** Makes the group `chat`. */
  makeGroup(count: number, options?: { min?: number; max?: number }): Promise<void>
  /** The group `chat`. */
  group(): Promise<AutoScalingGroup>
  /** Forgets everything. */
  reset(): Promise<void>
  close(): void
}

/** Starts moto behind a proxy for faults; the environment's variables lead to the proxy. */
export async function startAws(folder: string): Promise<Aws> {
  const moto = await startMoto(folder)
  const proxy = new FaultProxy(moto.port)
  const endpoint = `http://127.0.0.1:${moto.port}`
  Object.assign(process.env, {
    AWS_REGION: 'eu-west-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_ENDPOINT_URL: await proxy.start(),
  })
  const autoScaling = new AutoScalingClient({ endpoint })
  const ec2 = new EC2Client({ endpoint })
  const subnets = async () => {
    const { Subnets } = await ec2.send(new DescribeSubnetsCommand({}))
    return [Subnets![0]!.SubnetId!]
  }
  return {
    proxy,
    autoScaling,
    subnets,
    async makeGroup(count, options = {}) {
      const data = { ImageId: 'ami-12c6146b', InstanceType: 't3.small' as const }
      const { LaunchTemplate } = await ec2.send(
        new CreateLaunchTemplateCommand({ LaunchTemplateName: 'chat', LaunchTemplateData: data }),
      )
      await autoScaling.send(
        new CreateAutoScalingGroupCommand({
          AutoScalingGroupName: 'chat',
          MinSize: options.min ?? 0,
          MaxSize: options.max ?? 20,
          DesiredCapacity: count,
          LaunchTemplate: { LaunchTemplateId: LaunchTemplate!.LaunchTemplateId! },
          VPCZoneIdentifier: (await subnets())[0]!,
        }),
      )
    },
    async group() {
      const command = new DescribeAutoScalingGroupsCommand({ AutoScalingGroupNames: ['chat'] })
      return (await autoScaling.send(command)).AutoScalingGroups![0]!
    },
    async reset() {
      proxy.reset()
      await fetch(`${endpoint}/moto-api/reset`, { method: 'POST' })
    },
    close() {
      autoScaling.destroy()
      ec2.destroy()
      proxy.close()
      moto.close()
    },
  }
}
