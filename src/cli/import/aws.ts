import { invalidInput, shown } from '../../base/errors.ts'
import type { LimitOptions } from '../../scaling/limit-options.ts'
import type { StepOptions } from '../../scaling/policies/step.ts'
import type { PolicySpec } from '../../scaling/policies.ts'
import type { Fields } from './fields.ts'
import { noMetric } from './hpa.ts'
import { highest, type Importer, type ImportOptions, type MetricName, metricNamed } from './imported.ts'

type Path = readonly (string | number)[]

/** Keys of Application Auto Scaling and of EC2 Auto Scaling. */
const TRACKING = ['TargetTrackingConfiguration', 'TargetTrackingScalingPolicyConfiguration'] as const
const ADJUSTMENTS: Readonly<Record<string, StepOptions['adjustmentType']>> = {
  ChangeInCapacity: 'change',
  ExactCapacity: 'exact',
  PercentChangeInCapacity: 'percent',
}

/** A metric of AWS in our words: its name, and what its target is to be multiplied by. */
function predefined(type: string): { metric: MetricName; factor: number; text: string } | undefined {
  if (/CPUUtilization/.test(type))
    return { metric: 'cpu', factor: 0.01, text: 'as if an instance had one core' }
  if (/RequestCountPerTarget/.test(type))
    return { metric: 'messagesPerSecond', factor: 1 / 60, text: 'requests per minute are messages/s' }
  return undefined
}

function trackingPolicy(fields: Fields, at: Path, where: string, { metric }: ImportOptions): PolicySpec {
  const target = fields.number(...at, 'TargetValue')
  if (target === undefined) throw invalidInput(`${where}: TargetValue`, 'is missing', 'a number')
  const type = fields.text(...at, 'PredefinedMetricSpecification', 'PredefinedMetricType')
  const custom = [...at, 'CustomizedMetricSpecification']
  const name = fields.text(...custom, 'MetricName')
  const known = metric === undefined && type !== undefined ? predefined(type) : undefined
  const found = metric ?? known?.metric ?? metricNamed(name)
  if (!found) throw noMetric(`${where}: the metric`, `${shown(type ?? name ?? 'an expression')} is not known`)
  const value = Number((target * (known?.factor ?? 1)).toPrecision(6))
  const what = `${shown(type ?? name ?? 'the metric', false)} is read as ${found}`
  if (type !== undefined)
    fields.approximated([...at, 'PredefinedMetricSpecification'], known ? `${what}, ${known.text}` : what)
  else fields.approximated(custom, what)
  if (known) fields.approximated([...at, 'TargetValue'], `${value} ${found} a server`)
  else fields.taken([...at, 'TargetValue'], `${value} ${found} a server`)
  const disableScaleIn = fields.at(...at, 'DisableScaleIn') === true
  fields.taken([...at, 'DisableScaleIn'], `disableScaleIn ${disableScaleIn}`)
  for (const each of ['ScaleOutCooldown', 'ScaleInCooldown'])
    fields.unsupported([...at, each], 'the policy waits for new servers by its warmUp')
  return {
    kind: 'target-tracking',
    metric: found,
    target: value,
    ...(disableScaleIn && { disableScaleIn }),
  }
}

function stepPolicyOf(fields: Fields, policy: Path, at: Path, { metric }: ImportOptions): PolicySpec {
  const adjustmentType = ADJUSTMENTS[fields.text(...at, 'AdjustmentType') ?? 'ChangeInCapacity'] ?? 'change'
  fields.taken([...at, 'AdjustmentType'], `adjustmentType ${adjustmentType}`)
  const least = fields.number(...at, 'MinAdjustmentMagnitude')
  if (least !== undefined) fields.taken([...at, 'MinAdjustmentMagnitude'], `minAdjustmentMagnitude ${least}`)
  const simple = fields.number(...at, 'ScalingAdjustment')
  fields.taken([...at, 'ScalingAdjustment'], `change ${simple}`)
  const steps = Array.from({ length: fields.length(...at, 'StepAdjustments') }, (_, i) => {
    const step = [...at, 'StepAdjustments', i]
    const [lower, upper] = [
      fields.number(...step, 'MetricIntervalLowerBound'),
      fields.number(...step, 'MetricIntervalUpperBound'),
    ]
    const change = fields.number(...step, 'ScalingAdjustment') ?? 0
    fields.taken(step, `change ${change} from ${lower ?? 'below'} to ${upper ?? 'above'}`)
    return { ...(lower !== undefined && { lower }), ...(upper !== undefined && { upper }), change }
  })
  const adjustments = steps.length > 0 ? steps : [{ change: simple ?? 1 }]
  const outward = adjustments.some(({ change }) => change > 0)
  fields.unsupported([...at, 'MetricAggregationType'], 'the average is used')
  fields.unsupported([...policy, 'Alarms'], 'their thresholds are not in this file: set threshold yourself')
  const found = metric ?? 'users'
  fields.approximated(
    [...policy, 'PolicyType'],
    `metric ${found} with the default threshold: metric and threshold are those of the alarm, which is not in this file`,
  )
  const rule = { threshold: outward ? 30 : 10, adjustments }
  return {
    kind: 'step',
    metric: found,
    adjustmentType,
    ...(least !== undefined && { minAdjustmentMagnitude: least }),
    ...(outward ? { scaleOut: rule } : { scaleIn: rule }),
  }
}

function policyAt(fields: Fields, at: Path, where: string, options: ImportOptions) {
  for (const each of [
    'PolicyName',
    'PolicyARN',
    'AutoScalingGroupName',
    'ResourceId',
    'ServiceNamespace',
    'ScalableDimension',
    'CreationTime',
    'Enabled',
  ])
    fields.ignore([...at, each])
  const tracking = TRACKING.find((each) => fields.has(...at, each))
  const inner = tracking ? [...at, tracking] : at
  const warmUp = fields.number(...at, 'EstimatedInstanceWarmup')
  if (warmUp !== undefined) fields.taken([...at, 'EstimatedInstanceWarmup'], `warmUp ${warmUp} s`)
  const cooldown = fields.number(...at, 'Cooldown')
  if (cooldown !== undefined) fields.taken([...at, 'Cooldown'], `cooldown ${cooldown} s`)
  let policy: PolicySpec
  if (tracking || fields.has(...inner, 'TargetValue')) {
    fields.ignore([...at, 'PolicyType'])
    fields.unsupported([...at, 'Alarms'], 'AWS makes them itself from the target')
    policy = trackingPolicy(fields, inner, where, options)
  } else {
    const step = fields.has(...at, 'StepScalingPolicyConfiguration')
      ? [...at, 'StepScalingPolicyConfiguration']
      : at
    policy = stepPolicyOf(fields, at, step, options)
  }
  return { policy: (warmUp === undefined ? policy : { ...policy, warmUp }) as PolicySpec, cooldown }
}

/** An instance of a group's size: `describe-auto-scaling-groups`. */
function groupLimits(fields: Fields, at: Path): LimitOptions {
  const [min, max] = [fields.number(...at, 'MinSize'), fields.number(...at, 'MaxSize')]
  if (min !== undefined && min < 1)
    fields.approximated([...at, 'MinSize'], 'minServers 1: a fleet here never has 0 servers')
  else fields.taken([...at, 'MinSize'], `minServers ${min}`)
  fields.taken([...at, 'MaxSize'], `maxServers ${max}`)
  return {
    ...(min !== undefined && { minServers: Math.max(1, min) }),
    ...(max !== undefined && { maxServers: Math.max(1, max) }),
  }
}

const KEYS = [
  'ScalingPolicies',
  'AutoScalingGroups',
  'PolicyType',
  'TargetValue',
  'StepAdjustments',
  'ScalingAdjustment',
  ...TRACKING,
]

export const awsImporter: Importer = {
  description: 'scaling policy of AWS as JSON: of put-scaling-policy or describe-policies',
  matches: (document) =>
    typeof document === 'object' && document !== null && KEYS.some((key) => Object.hasOwn(document, key)),
  read(fields, where, options) {
    const limits = fields.has('AutoScalingGroups')
      ? groupLimits(fields, ['AutoScalingGroups', 0])
      : groupLimits(fields, [])
    const count = fields.length('ScalingPolicies')
    const paths: Path[] = count > 0 ? Array.from({ length: count }, (_, i) => ['ScalingPolicies', i]) : [[]]
    const hasPolicy = count > 0 || KEYS.slice(2).some((key) => fields.has(key))
    if (!hasPolicy)
      throw invalidInput(where, 'it has no scaling policy', 'the JSON of aws autoscaling describe-policies')
    const all = paths.map((at) => policyAt(fields, at, where, options))
    const cooldowns = all.flatMap(({ cooldown }) => cooldown ?? [])
    const steps = all.map(({ policy }) => policy)
    return {
      source: `AWS scaling policy ${fields.text(...paths[0]!, 'PolicyName') ?? ''}`.trim(),
      autoScaler: {
        policy: highest(stepPairs(steps)),
        ...limits,
        ...(cooldowns.length > 0 && { cooldown: Math.max(...cooldowns) }),
      },
      notes: fields.notes(),
    }
  },
}

/** AWS has a step policy for each direction; here one has both. */
function stepPairs(policies: readonly PolicySpec[]): PolicySpec[] {
  const steps = policies.filter((each) => each.kind === 'step')
  const out = steps.find((each) => each.scaleOut)
  const inward = steps.find((each) => each.scaleIn && !each.scaleOut)
  if (!out || !inward || out.adjustmentType !== inward.adjustmentType) return [...policies]
  const both = { ...out, scaleIn: inward.scaleIn! }
  return [both, ...policies.filter((each) => each !== out && each !== inward)]
}
