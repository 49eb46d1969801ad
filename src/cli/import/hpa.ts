import { invalidInput, shown } from '../../base/errors.ts'
import type { HpaOptions } from '../../scaling/policies/hpa/hpa.ts'
import type { PolicySpec } from '../../scaling/policies.ts'
import type { Fields } from './fields.ts'
import { highest, type Importer, type ImportOptions, METRIC_NAMES, metricNamed } from './imported.ts'

type Path = readonly (string | number)[]
/** `behavior` of a HorizontalPodAutoscaler, in our words. */
export type Behavior = Pick<HpaOptions, 'scaleUp' | 'scaleDown' | 'tolerance'>

/** Seconds between two decisions of the HPA controller. */
export const HPA_INTERVAL = 15
const TARGETS = ['averageValue', 'averageUtilization', 'value'] as const

export function noMetric(where: string, what: string) {
  return invalidInput(where, what, `--metric NAME with what it is here: ${METRIC_NAMES.join(', ')}`)
}

function directionOf(fields: Fields, path: Path): NonNullable<HpaOptions['scaleUp']> | undefined {
  if (!fields.has(...path)) return undefined
  const window = fields.number(...path, 'stabilizationWindowSeconds')
  const select = fields.text(...path, 'selectPolicy')?.toLowerCase() as 'max' | 'min' | 'disabled' | undefined
  const limits = Array.from({ length: fields.length(...path, 'policies') }, (_, i) => {
    const at = [...path, 'policies', i]
    const type = fields.text(...at, 'type')?.toLowerCase() === 'percent' ? 'percent' : 'pods'
    const [value, period] = [fields.number(...at, 'value') ?? 1, fields.number(...at, 'periodSeconds') ?? 60]
    fields.taken(at, `${value} ${type} per ${period} s`)
    return { type, value, period } as const
  })
  fields.taken([...path, 'stabilizationWindowSeconds'], `${window} s`)
  fields.taken([...path, 'selectPolicy'], `select ${select}`)
  return {
    ...(window !== undefined && { stabilizationWindow: window }),
    ...(limits.length > 0 && { limits }),
    ...(select && { select }),
  }
}

/** Reads `behavior` at a path. */
export function behaviorOf(fields: Fields, path: Path): Behavior {
  const scaleUp = directionOf(fields, [...path, 'scaleUp'])
  const scaleDown = directionOf(fields, [...path, 'scaleDown'])
  const tolerances = (['scaleUp', 'scaleDown'] as const).map((each) =>
    fields.number(...path, each, 'tolerance'),
  )
  const tolerance = tolerances.find((each) => each !== undefined)
  for (const [i, direction] of (['scaleUp', 'scaleDown'] as const).entries()) {
    const at = [...path, direction, 'tolerance']
    if (tolerances[i] === tolerance) fields.taken(at, `tolerance ${tolerance}`)
    else fields.unsupported(at, 'there is one tolerance for both directions; that of scaleUp is used')
  }
  return {
    ...(scaleUp && Object.keys(scaleUp).length > 0 && { scaleUp }),
    ...(scaleDown && Object.keys(scaleDown).length > 0 && { scaleDown }),
    ...(tolerance !== undefined && { tolerance }),
  }
}

/** The policy for CPU or memory. */
function resourcePolicy(fields: Fields, at: Path, inner: string): PolicySpec | undefined {
  const name = fields.text(...at, inner, 'name')
  const target = [...at, inner, 'target']
  const utilization = fields.number(...target, 'averageUtilization')
  const value = fields.number(...target, 'averageValue')
  if (inner === 'containerResource')
    fields.approximated([...at, inner, 'container'], 'the figure is that of the whole server')
  if (name === 'cpu' && (utilization ?? value) !== undefined) {
    const cores = value ?? utilization! / 100
    if (value === undefined)
      fields.approximated(
        [...target, 'averageUtilization'],
        `cpu ${cores} cores: as if a pod requested one core`,
      )
    else fields.taken([...target, 'averageValue'], `cpu ${cores} cores`)
    return { kind: 'hpa', metric: 'cpu', target: cores }
  }
  if (name === 'memory' && value !== undefined) {
    fields.taken([...target, 'averageValue'], `memoryBytes ${value}`)
    return { kind: 'hpa', metric: 'memoryBytes', target: value }
  }
  fields.unsupported(
    [...at, inner],
    `${shown(name)} as a share of the request: the request is not in this file`,
  )
  return undefined
}

/** The policy for a metric of pods, of an object or from outside. */
function customPolicy(
  fields: Fields,
  at: Path,
  inner: string,
  where: string,
  { metric }: ImportOptions,
): PolicySpec | undefined {
  const name = fields.text(...at, inner, 'metric', 'name')
  const target = [...at, inner, 'target']
  const average = fields.number(...target, 'averageValue')
  if (average === undefined) {
    const total = fields.number(...target, 'value')
    fields.unsupported(
      [...at, inner],
      total === undefined
        ? 'it has no target'
        : `a target of the total (${total}) and not of the average per server`,
    )
    return undefined
  }
  const found = metric ?? metricNamed(name)
  if (!found) throw noMetric(`${where}: ${inner}.metric.name`, `${shown(name)} is not known`)
  fields.approximated([...at, inner, 'metric', 'name'], `${shown(name, false)} is read as ${found}`)
  fields.unsupported([...at, inner, 'metric', 'selector'], 'the figure is that of all servers')
  fields.unsupported([...at, inner, 'describedObject'], 'the figure is that of all servers')
  fields.taken([...target, 'averageValue'], `${average} ${found} a server`)
  return { kind: 'hpa', metric: found, target: average }
}

function metricPolicies(fields: Fields, where: string, options: ImportOptions): PolicySpec[] {
  const count = fields.length('spec', 'metrics')
  return Array.from({ length: count }, (_, i) => i).flatMap((i) => {
    const at = ['spec', 'metrics', i]
    const inner = ['resource', 'containerResource', 'pods', 'object', 'external'].find((each) =>
      fields.has(...at, each),
    )
    fields.ignore([...at, 'type'])
    if (inner === undefined) return []
    for (const each of TARGETS)
      if (fields.has(...at, inner, 'target', each)) fields.ignore([...at, inner, 'target', 'type'])
    if (inner === 'resource' || inner === 'containerResource') {
      fields.ignore([...at, inner, 'name'])
      return resourcePolicy(fields, at, inner) ?? []
    }
    return customPolicy(fields, at, inner, where, options) ?? []
  })
}

/** Reads fewest and most replicas, of which the fewest here is 1. */
export function replicasOf(fields: Fields, least: Path, most: Path, usual: { min: number; max?: number }) {
  const min = fields.number(...least) ?? usual.min
  const max = fields.number(...most) ?? usual.max
  if (min < 1) fields.approximated(least, 'minServers 1: a fleet here never has 0 servers')
  else fields.taken(least, `minServers ${min}`)
  fields.taken(most, `maxServers ${max}`)
  const minServers = Math.max(1, min)
  return { minServers, ...(max !== undefined && { maxServers: Math.max(max, minServers) }) }
}

export const hpaImporter: Importer = {
  description: 'HorizontalPodAutoscaler of Kubernetes',
  matches: (document) => (document as { kind?: unknown } | null)?.kind === 'HorizontalPodAutoscaler',
  read(fields, where, options) {
    fields.ignore(['apiVersion'], ['kind'], ['metadata'], ['status'], ['spec', 'scaleTargetRef'])
    const limits = replicasOf(fields, ['spec', 'minReplicas'], ['spec', 'maxReplicas'], { min: 1 })
    const behavior = behaviorOf(fields, ['spec', 'behavior'])
    const policies = metricPolicies(fields, where, options)
    const old = fields.number('spec', 'targetCPUUtilizationPercentage')
    if (old !== undefined) {
      policies.push({ kind: 'hpa', metric: 'cpu', target: old / 100 })
      fields.approximated(
        ['spec', 'targetCPUUtilizationPercentage'],
        `cpu ${old / 100} cores: as if a pod requested one core`,
      )
    }
    if (policies.length === 0)
      throw invalidInput(
        `${where}: spec.metrics`,
        'no metric has a counterpart here',
        'one with an average per pod',
      )
    return {
      source: `HorizontalPodAutoscaler ${fields.text('metadata', 'name') ?? ''}`.trim(),
      autoScaler: {
        policy: highest(policies.map((policy) => ({ ...policy, ...behavior }) as PolicySpec)),
        ...limits,
        interval: HPA_INTERVAL,
      },
      notes: fields.notes(),
    }
  },
}
