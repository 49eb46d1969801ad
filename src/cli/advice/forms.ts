import { stringify } from 'yaml'
import type { Candidate } from '../../backtest/evaluate.ts'
import type { AdviceTexts } from './texts.ts'

/** What a platform's own autoscaler needs to come closest. */
export interface Form {
  readonly title: string
  readonly text: string
}

interface Size {
  readonly minServers: number
  readonly maxServers: number
}

const yaml = (value: object) => stringify(value).trimEnd()
const targetOf = ({ policy }: Candidate) => ('target' in policy ? policy.target : undefined)

/** The policy that Kubernetes has, as its own manifest and as KEDA's. */
export function kubernetesForms(
  hpa: Candidate,
  { minServers, maxServers }: Size,
  texts: AdviceTexts,
): Form[] {
  const target = String(targetOf(hpa))
  const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'chat' }
  return [
    {
      title: texts.hpa,
      text: yaml({
        apiVersion: 'autoscaling/v2',
        kind: 'HorizontalPodAutoscaler',
        metadata: { name: 'chat' },
        spec: {
          scaleTargetRef,
          minReplicas: minServers,
          maxReplicas: maxServers,
          metrics: [
            {
              type: 'Pods',
              pods: { metric: { name: 'users' }, target: { type: 'AverageValue', averageValue: target } },
            },
          ],
        },
      }),
    },
    {
      title: texts.keda,
      text: yaml({
        apiVersion: 'keda.sh/v1alpha1',
        kind: 'ScaledObject',
        metadata: { name: 'chat' },
        spec: {
          scaleTargetRef: { name: 'chat' },
          minReplicaCount: minServers,
          maxReplicaCount: maxServers,
          triggers: [
            {
              type: 'prometheus',
              metadata: {
                serverAddress: 'http://prometheus:9090',
                query: 'sum(users)',
                threshold: target,
              },
            },
          ],
        },
      }),
    },
  ]
}

/** The policy that AWS has, as the JSON of `put-scaling-policy`. */
export function awsForm(tracking: Candidate, provisioningDelay: number, texts: AdviceTexts): Form {
  return {
    title: texts.aws,
    text: JSON.stringify(
      {
        AutoScalingGroupName: 'chat',
        PolicyName: 'users',
        PolicyType: 'TargetTrackingScaling',
        EstimatedInstanceWarmup: Math.ceil(provisioningDelay),
        TargetTrackingConfiguration: {
          TargetValue: targetOf(tracking),
          CustomizedMetricSpecification: {
            MetricName: 'Users',
            Namespace: 'Chat',
            Dimensions: [{ Name: 'AutoScalingGroupName', Value: 'chat' }],
            Statistic: 'Average',
          },
        },
      },
      undefined,
      2,
    ),
  }
}
