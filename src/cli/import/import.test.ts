import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { MetricName } from './imported.ts'
import { importPolicy } from './read.ts'

const folder = mkdtempSync(join(tmpdir(), 'concertina-import-'))

function imported(text: string | object, options: { metric?: MetricName; name?: string } = {}) {
  const file = join(folder, 'policy')
  writeFileSync(file, typeof text === 'string' ? text : JSON.stringify(text))
  return importPolicy(file, options)
}

const hpa = (spec: object, name = 'web') => ({
  apiVersion: 'autoscaling/v2',
  kind: 'HorizontalPodAutoscaler',
  metadata: { name, labels: { app: 'web' } },
  spec: { scaleTargetRef: { kind: 'Deployment', name: 'web' }, maxReplicas: 8, ...spec },
})
const pods = (name: string, averageValue: string) => ({
  type: 'Pods',
  pods: { metric: { name }, target: { type: 'AverageValue', averageValue } },
})
const keda = (spec: object) => ({ apiVersion: 'keda.sh/v1alpha1', kind: 'ScaledObject', spec })
const verdicts = (notes: readonly { path: string; verdict: string }[]) =>
  Object.fromEntries(notes.map(({ path, verdict }) => [path, verdict]))

describe('a HorizontalPodAutoscaler', () => {
  it('becomes an hpa policy with its limits and behavior', () => {
    const { autoScaler, notes, source } = imported(
      hpa({
        minReplicas: 3,
        metrics: [pods('websocket_connections', '1k')],
        behavior: {
          scaleDown: {
            stabilizationWindowSeconds: 120,
            selectPolicy: 'Min',
            policies: [{ type: 'Percent', value: 10, periodSeconds: 60 }],
          },
          scaleUp: { selectPolicy: 'Disabled', tolerance: '0.05' },
        },
      }),
    )
    expect(source).toBe('HorizontalPodAutoscaler web')
    expect(autoScaler).toEqual({
      minServers: 3,
      maxServers: 8,
      interval: 15,
      policy: {
        kind: 'hpa',
        metric: 'users',
        target: 1000,
        tolerance: 0.05,
        scaleUp: { select: 'disabled' },
        scaleDown: {
          stabilizationWindow: 120,
          select: 'min',
          limits: [{ type: 'percent', value: 10, period: 60 }],
        },
      },
    })
    expect(verdicts(notes)).toEqual({
      'spec.maxReplicas': 'taken',
      'spec.minReplicas': 'taken',
      'spec.metrics[0].pods.metric.name': 'approximated',
      'spec.metrics[0].pods.target.averageValue': 'taken',
      'spec.behavior.scaleDown.stabilizationWindowSeconds': 'taken',
      'spec.behavior.scaleDown.selectPolicy': 'taken',
      'spec.behavior.scaleDown.policies[0]': 'taken',
      'spec.behavior.scaleUp.selectPolicy': 'taken',
      'spec.behavior.scaleUp.tolerance': 'taken',
    })
  })

  it('has the highest of several metrics, and names those that have no counterpart', () => {
    const { autoScaler, notes } = imported(
      hpa({
        metrics: [
          { type: 'Resource', resource: { name: 'cpu', target: { averageUtilization: 60 } } },
          { type: 'Resource', resource: { name: 'memory', target: { averageValue: '500Mi' } } },
          { type: 'Resource', resource: { name: 'memory', target: { averageUtilization: 60 } } },
          { type: 'Object', object: { metric: { name: 'x' }, target: { value: '5' } } },
        ],
        unheardOf: { deep: 1 },
      }),
    )
    expect(autoScaler.policy).toMatchObject({
      kind: 'max',
      policies: [
        { metric: 'cpu', target: 0.6 },
        { metric: 'memoryBytes', target: 500 * 2 ** 20 },
      ],
    })
    expect(verdicts(notes)).toMatchObject({
      'spec.metrics[2].resource': 'not supported',
      'spec.metrics[3].object': 'not supported',
      'spec.unheardOf.deep': 'not supported',
    })
  })

  it('is found among other documents, by its name where there are several', () => {
    const yaml = `kind: Deployment\n---\n${JSON.stringify(hpa({ metrics: [pods('users', '5')] }, 'a'))}\n---\n${JSON.stringify(hpa({ metrics: [pods('users', '7')] }, 'b'))}\n`
    expect(imported(yaml, { name: 'b' }).autoScaler.policy).toMatchObject({ target: 7 })
    expect(() => imported(yaml)).toThrow(/it has 2 policies/)
    expect(() => imported(yaml, { name: 'c' })).toThrow(/"c" is not in the file/)
    expect(() => imported('kind: Pod\nkind: Job\n')).toThrow(/:2: kind is there twice/)
  })

  it('asks what a metric is whose name does not say it', () => {
    const text = hpa({ metrics: [pods('zork', '5')] })
    expect(() => imported(text)).toThrow(/pods.metric.name: "zork" is not known/)
    expect(imported(text, { metric: 'queued' }).autoScaler.policy).toMatchObject({ metric: 'queued' })
  })
})

describe('a ScaledObject', () => {
  it('becomes schedules and hpa policies', () => {
    const { autoScaler, notes } = imported(
      keda({
        minReplicaCount: 2,
        cooldownPeriod: 60,
        fallback: { failureThreshold: 3, replicas: 6 },
        triggers: [
          {
            type: 'cron',
            metadata: { timezone: 'Asia/Tokyo', start: '0 8 * * *', end: '0 20 * * *', desiredReplicas: '5' },
          },
          {
            type: 'prometheus',
            metadata: { serverAddress: 'http://p', query: 'sum(ws_connections)', threshold: '250' },
          },
        ],
      }),
    )
    expect(autoScaler).toEqual({
      minServers: 2,
      maxServers: 100,
      interval: 15,
      scaleDownStabilization: 300,
      policy: {
        kind: 'max',
        policies: [
          {
            kind: 'schedule',
            timeZone: 'Asia/Tokyo',
            entries: [
              { cron: '0 8 * * *', servers: 5 },
              { cron: '0 20 * * *', servers: 2 },
            ],
          },
          { kind: 'hpa', metric: 'users', target: 250 },
        ],
      },
    })
    expect(verdicts(notes)).toMatchObject({
      'spec.fallback': 'not supported',
      'spec.cooldownPeriod': 'not supported',
      'spec.triggers[1].metadata.serverAddress': 'not supported',
      'spec.triggers[1].metadata.query': 'approximated',
    })
  })

  it('is rejected when nothing of it has a counterpart', () => {
    const trigger = { type: 'external', metadata: { scalerAddress: 'x:1' } }
    expect(() => imported(keda({ triggers: [trigger] }))).toThrow(/no trigger has a counterpart/)
  })
})

describe('a policy of AWS', () => {
  it('tracks its target', () => {
    const { autoScaler } = imported({
      PolicyType: 'TargetTrackingScaling',
      EstimatedInstanceWarmup: 120,
      TargetTrackingConfiguration: {
        TargetValue: 600,
        PredefinedMetricSpecification: { PredefinedMetricType: 'ALBRequestCountPerTarget' },
        DisableScaleIn: true,
      },
    })
    expect(autoScaler).toEqual({
      policy: {
        kind: 'target-tracking',
        metric: 'messagesPerSecond',
        target: 10,
        disableScaleIn: true,
        warmUp: 120,
      },
    })
  })

  it('has its steps, both directions in one', () => {
    const step = (bound: object, change: number) => ({
      PolicyType: 'StepScaling',
      AdjustmentType: 'PercentChangeInCapacity',
      MinAdjustmentMagnitude: 2,
      StepAdjustments: [{ ...bound, ScalingAdjustment: change }],
    })
    const { autoScaler, notes } = imported({
      ScalingPolicies: [
        step({ MetricIntervalLowerBound: 0 }, 20),
        step({ MetricIntervalUpperBound: 0 }, -10),
      ],
    })
    expect(autoScaler.policy).toEqual({
      kind: 'step',
      metric: 'users',
      adjustmentType: 'percent',
      minAdjustmentMagnitude: 2,
      scaleOut: { threshold: 30, adjustments: [{ lower: 0, change: 20 }] },
      scaleIn: { threshold: 10, adjustments: [{ upper: 0, change: -10 }] },
    })
    expect(verdicts(notes)).toMatchObject({ 'ScalingPolicies[0].PolicyType': 'approximated' })
  })
})

it.each([
  ['', /it is empty/],
  ['# nothing but a comment\n', /it is empty/],
  ['kind: Deployment', /it has no scaling policy that is known/],
  ['a: [', /policy:1: /],
  ['a: &a [*a]', /it has no scaling policy/],
  [hpa({ metrics: [pods('users', 'many')] }), /averageValue: "many" is not allowed/],
  [hpa({}), /spec.metrics: no metric has a counterpart/],
  [hpa({ minReplicas: 1.5, metrics: [pods('users', '5')] }), /minServers: 1.5 is not allowed/],
])('names what is wrong with %j', (text, message) => {
  expect(() => imported(text)).toThrow(message)
})
