import { expect, it } from 'vitest'
import { LoadBalancer } from '../balancing/load-balancer.ts'
import { EmbeddedRoomLog } from '../chat/log/embedded/embedded.ts'
import { MemoryRoomLog } from '../chat/log/memory.ts'
import { chatLimits } from '../chat/options.ts'
import { runAutoScalingDemo } from '../demo.ts'
import { providerChecks } from '../fleet/conformance.ts'
import { Fleet } from '../fleet/fleet.ts'
import { awsProvider } from '../fleet/providers/aws/provider.ts'
import { kubernetesProvider } from '../fleet/providers/kubernetes/provider.ts'
import { localProvider } from '../fleet/providers/local.ts'
import { simulatedProvider } from '../fleet/providers/simulated.ts'
import { runLive } from '../live/run.ts'
import { LocalEnvironment } from '../pipeline/local-environment.ts'
import { AutoScaler } from '../scaling/auto-scaler.ts'
import { hpaPolicy } from '../scaling/policies/hpa/hpa.ts'
import { sloPolicy } from '../scaling/policies/slo/slo.ts'
import { createPolicy, POLICY_KINDS } from '../scaling/policies.ts'
import { runSimulation } from '../simulation/run.ts'
import { constant } from '../traffic/patterns/constant.ts'
import { createPattern, PATTERN_KINDS } from '../traffic/patterns.ts'
import { UserTrafficSource } from '../traffic/user-traffic-source.ts'
import { virtualClock } from './clock.ts'
import { ConcertinaError } from './errors.ts'

const pattern = constant({ users: 1, duration: 1 })

function problem(make: () => unknown): { message: string; hint: string | undefined; where?: string } {
  try {
    make()
  } catch (error) {
    if (!(error instanceof ConcertinaError)) throw error
    expect(error.code).toBe('INVALID_INPUT')
    return { message: error.message, hint: error.hint, where: error.where }
  }
  throw new Error('it was accepted')
}

it.each<[string, () => unknown, string, RegExp?]>([
  ['a policy', () => createPolicy({ kind: 'hpa', targget: 3 } as never), 'targget', /^target \(did/],
  ['a policy function', () => hpaPolicy({ targget: 3 } as never), 'targget', /^target \(did/],
  ['a metric', () => createPolicy({ kind: 'hpa', metric: 'usres' } as never), 'metric', /^users \(did/],
  ['a kind', () => createPolicy({ kind: 'hpaa' } as never), 'kind', /^hpa \(did/],
  [
    'a nested policy',
    () => createPolicy({ kind: 'max', policies: [{ kind: 'hpa', tolerence: 1 }] } as never),
    'policies[0].tolerence',
    /^tolerance \(did/,
  ],
  [
    'a nested option',
    () => createPolicy({ kind: 'step', scaleOut: { treshold: 3, adjustments: [] } } as never),
    'scaleOut.threshold',
    /a number/,
  ],
  ['the autoscaler', () => new AutoScaler({ minServer: 5 } as never), 'minServer', /^minServers \(did/],
  ['a policy in code', () => new AutoScaler({ policy: { name: 'x' } } as never), 'policy'],
  ['a number', () => new AutoScaler({ maxServers: '9' } as never), 'maxServers', /whole number, at least 1/],
  ['a large fleet', () => new AutoScaler({ minServers: 1e9 }), 'minServers', /at most 100000$/],
  ['the balancer', () => new LoadBalancer({ stratgy: 'weighted' } as never), 'stratgy', /^strategy \(did/],
  ['a strategy', () => new LoadBalancer({ strategy: 'wieghted' } as never), 'strategy', /^weighted \(did/],
  ['traffic', () => new UserTrafficSource({ room: 5 } as never), 'room', /^rooms \(did/],
  ['a think time', () => new UserTrafficSource({ thinkTime: 5 } as never), 'thinkTime'],
  [
    'a pattern',
    () => createPattern({ kind: 'ramp', from: 1, too: 2, duration: 3 } as never),
    'to',
    /a number/,
  ],
  ['a kind of pattern', () => createPattern({ kind: 'ramps' } as never), 'kind', /^ramp \(did/],
  [
    'a nested pattern',
    () => createPattern({ kind: 'repeat', times: 2, pattern: { kind: 'ramp', from: 1, to: 2, duration: 0 } }),
    'pattern.duration',
    /above 0/,
  ],
  ['chat limits', () => chatLimits({ maxRoom: 5 } as never), 'maxRoom', /^maxRooms \(did/],
  ['a fleet', () => new Fleet({} as never, () => ({}) as never, { weights: [0] }), 'weights[0]', /above 0/],
])('rejects a wrong option of %s, and names the nearest', (_, make, where, hint) => {
  const found = problem(make)
  expect(found.where).toBe(where)
  expect(found.message).toContain(where)
  if (hint) expect(found.hint).toMatch(hint)
})

it('rejects an unknown key of every kind there is', () => {
  for (const kind of POLICY_KINDS)
    expect(problem(() => createPolicy({ kind, nonsense: 1 } as never)).message).toBeTruthy()
  for (const kind of PATTERN_KINDS)
    expect(problem(() => createPattern({ kind, nonsense: 1 } as never)).message).toBeTruthy()
})

it.each<[string, (wrong: object) => unknown]>([
  ['slo', (wrong) => sloPolicy({ ...wrong })],
  ['a clock', (wrong) => virtualClock({ ...wrong })],
  ['a log in memory', (wrong) => new MemoryRoomLog({ ...wrong })],
  ['an embedded log', (wrong) => EmbeddedRoomLog.open('/no/such/folder', { ...wrong })],
  ['an environment', (wrong) => new LocalEnvironment('x', { ...wrong })],
  ['checks of a provider', (wrong) => providerChecks({ ...wrong } as never)],
  ['simulated servers', (wrong) => simulatedProvider(virtualClock(), { ...wrong } as never)],
  ['local servers', (wrong) => localProvider({ ...wrong } as never)],
  ['servers of AWS', (wrong) => awsProvider({ group: 'chat', ...wrong })],
  ['servers of Kubernetes', (wrong) => kubernetesProvider({ deployment: 'chat', ...wrong })],
  ['a simulation', (wrong) => runSimulation({ pattern, ...wrong })],
  ['servers of a simulation', (wrong) => runSimulation({ pattern, server: { ...wrong } })],
  ['a live run', (wrong) => runLive({ pattern, autoScaler: new AutoScaler(), ...wrong })],
])('rejects an option of %s that there is not', async (_, make) => {
  const found = (async () => make({ tpyo: 1 }))()
  await expect(found).rejects.toMatchObject({ code: 'INVALID_INPUT', where: expect.stringMatching(/tpyo$/) })
})

it('rejects a wrong option of the demo before it prints anything', async () => {
  const lines: string[] = []
  const demo = runAutoScalingDemo({ peekRate: 3, write: (line: string) => lines.push(line) } as never)
  await expect(demo).rejects.toThrow(/peekRate/)
  expect(lines).toEqual([])
})

it('never repeats a long value, nor characters that a terminal acts on', () => {
  const { message } = problem(() => createPolicy({ kind: `\u001b[2J${'x'.repeat(9999)}` } as never))
  expect(message.length).toBeLessThan(300)
  const raw = new ConcertinaError('INVALID_INPUT', 'a\u001b[31m\u0000b\u202e', { hint: '\u0007' })
  expect(raw.message).toBe('a\\u001b[31m\\u0000b\\u202e')
  expect(raw.hint).toBe('\\u0007')
})

it('has the same default wherever it is given', () => {
  const observation = (load: number) => ({ time: 0, load, desiredCount: 2, servers: [] })
  for (const scaleUpThreshold of [8, 30]) {
    const below = scaleUpThreshold > 10 ? 10 : 4
    const policy = createPolicy({ kind: 'threshold', scaleUpThreshold })
    expect(policy.evaluate(observation(2 * below - 0.1)).servers).toBe(1)
    expect(policy.evaluate(observation(2 * below)).servers).toBe(2)
    const scaler = new AutoScaler({ scaleUpThreshold, minServers: 1 })
    expect(scaler.decide(observation(2 * below - 0.1)).to).toBe(1)
    expect(new AutoScaler({ scaleUpThreshold, minServers: 1 }).decide(observation(2 * below)).to).toBe(2)
  }
})
