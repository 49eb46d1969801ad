import { invalidInput, shown } from '../../base/errors.ts'
import type { PolicySpec } from '../../scaling/policies.ts'
import type { Fields } from './fields.ts'
import { behaviorOf, HPA_INTERVAL, noMetric, replicasOf } from './hpa.ts'
import { highest, type Importer, type ImportOptions, metricNamed } from './imported.ts'

/** KEDA's scalers name the target of each server in one of these. */
const TARGET_KEYS = [
  'threshold',
  'value',
  'targetValue',
  'queueLength',
  'lagThreshold',
  'listLength',
  'messageCount',
  'targetQueryValue',
  'targetMetricValue',
  'unprocessedEventThreshold',
]
/** Seconds that the HPA which KEDA makes waits before it removes pods, by default. */
const STABILIZATION = 300

/** Servers of a time window, and the fewest outside it. */
function cronPolicy(
  fields: Fields,
  at: readonly (string | number)[],
  where: string,
  min: number,
): PolicySpec {
  const key = (name: string) => [...at, 'metadata', name]
  const [start, end] = [fields.text(...key('start')), fields.text(...key('end'))]
  const servers = fields.number(...key('desiredReplicas'))
  if (start === undefined || end === undefined || servers === undefined)
    throw invalidInput(
      `${where}: triggers`,
      'a cron trigger lacks something',
      'start, end and desiredReplicas',
    )
  fields.taken(key('start'), `${servers} servers from ${shown(start)} on`)
  fields.taken(key('end'), `${min} servers from ${shown(end)} on`)
  fields.taken(key('desiredReplicas'), `${servers} servers`)
  const timeZone = fields.text(...key('timezone'))
  fields.taken(key('timezone'), `timeZone ${timeZone}`)
  return {
    kind: 'schedule',
    entries: [
      { cron: start, servers },
      { cron: end, servers: min },
    ],
    ...(timeZone && { timeZone }),
  }
}

function cpuPolicy(fields: Fields, at: readonly (string | number)[], type: string): PolicySpec | undefined {
  const value = fields.number(...at, 'metadata', 'value')
  const kind = fields.text(...at, 'metricType') ?? fields.text(...at, 'metadata', 'type') ?? 'Utilization'
  fields.ignore([...at, 'metricType'], [...at, 'metadata', 'type'])
  const place = [...at, 'metadata', 'value']
  if (value === undefined) return undefined
  if (type === 'cpu') {
    const cores = kind === 'AverageValue' ? value : value / 100
    if (kind === 'AverageValue') fields.taken(place, `cpu ${cores} cores`)
    else fields.approximated(place, `cpu ${cores} cores: as if a pod requested one core`)
    return { kind: 'hpa', metric: 'cpu', target: cores }
  }
  if (kind === 'AverageValue') {
    fields.taken(place, `memoryBytes ${value}`)
    return { kind: 'hpa', metric: 'memoryBytes', target: value }
  }
  fields.unsupported(place, 'memory as a share of the request: the request is not in this file')
  return undefined
}

function metricPolicy(
  fields: Fields,
  at: readonly (string | number)[],
  type: string,
  where: string,
  { metric }: ImportOptions,
): PolicySpec | undefined {
  const key = TARGET_KEYS.find((each) => fields.has(...at, 'metadata', each))
  const target = key === undefined ? undefined : fields.number(...at, 'metadata', key)
  if (key === undefined || target === undefined || !(target > 0)) {
    fields.unsupported(at, `a ${shown(type)} trigger without a target for each server`)
    return undefined
  }
  const kind = fields.text(...at, 'metricType') ?? 'AverageValue'
  if (kind !== 'AverageValue') {
    fields.unsupported(
      at,
      `metricType ${shown(kind)}: a target of the total and not of the average per server`,
    )
    return undefined
  }
  const [name, query] = [
    fields.text(...at, 'metadata', 'metricName'),
    fields.text(...at, 'metadata', 'query'),
  ]
  const found = metric ?? metricNamed(name, query, key, type)
  if (!found) throw noMetric(`${where}: trigger ${shown(type)}`, `what ${key} counts is not known`)
  fields.ignore([...at, 'metricType'], [...at, 'name'], [...at, 'authenticationRef'])
  fields.taken([...at, 'metadata', key], `${target} ${found} a server`)
  for (const [each, text] of [
    ['query', query],
    ['metricName', name],
  ] as const)
    if (text !== undefined)
      fields.approximated([...at, 'metadata', each], `${shown(text)} is read as ${found}`)
  for (const each of ['activationThreshold', 'activationValue', 'activationTargetValue'])
    fields.unsupported([...at, 'metadata', each], 'a fleet here never has 0 servers')
  return { kind: 'hpa', metric: found, target }
}

function triggerPolicies(fields: Fields, where: string, min: number, options: ImportOptions): PolicySpec[] {
  return Array.from({ length: fields.length('spec', 'triggers') }, (_, i) => i).flatMap((i) => {
    const at = ['spec', 'triggers', i]
    const type = fields.text(...at, 'type') ?? ''
    fields.ignore([...at, 'type'])
    if (type === 'cron') return cronPolicy(fields, at, where, min)
    if (type === 'cpu' || type === 'memory') return cpuPolicy(fields, at, type) ?? []
    return metricPolicy(fields, at, type, where, options) ?? []
  })
}

export const kedaImporter: Importer = {
  description: 'ScaledObject of KEDA',
  matches: (document) => (document as { kind?: unknown } | null)?.kind === 'ScaledObject',
  read(fields, where, options) {
    fields.ignore(['apiVersion'], ['kind'], ['metadata'], ['status'], ['spec', 'scaleTargetRef'])
    const limits = replicasOf(fields, ['spec', 'minReplicaCount'], ['spec', 'maxReplicaCount'], {
      min: 0,
      max: 100,
    })
    fields.unsupported(['spec', 'cooldownPeriod'], 'it counts only for the step from 1 to 0 servers')
    fields.unsupported(['spec', 'idleReplicaCount'], 'a fleet here never has 0 servers')
    fields.unsupported(['spec', 'pollingInterval'], 'it counts only for the step from 0 to 1 server')
    fields.unsupported(['spec', 'fallback'], 'a policy with insufficient data keeps the size')
    fields.ignore(['spec', 'advanced', 'horizontalPodAutoscalerConfig', 'name'])
    const behavior = behaviorOf(fields, ['spec', 'advanced', 'horizontalPodAutoscalerConfig', 'behavior'])
    const policies = triggerPolicies(fields, where, limits.minServers, options)
    if (policies.length === 0)
      throw invalidInput(
        `${where}: spec.triggers`,
        'no trigger has a counterpart here',
        'cron, cpu, or one with a threshold',
      )
    const scheduled = policies.some(({ kind }) => kind === 'schedule')
    return {
      source: `ScaledObject ${fields.text('metadata', 'name') ?? ''}`.trim(),
      autoScaler: {
        policy: highest(
          policies.map(
            (policy) => (policy.kind === 'hpa' ? { ...policy, ...behavior } : policy) as PolicySpec,
          ),
        ),
        ...limits,
        interval: HPA_INTERVAL,
        ...(scheduled && {
          scaleDownStabilization: behavior.scaleDown?.stabilizationWindow ?? STABILIZATION,
        }),
      },
      notes: fields.notes(),
    }
  },
}
