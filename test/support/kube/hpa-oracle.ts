import { type Rng, seededRng } from '../../../src/base/rng.ts'
import type { Pod } from '../../../src/fleet/providers/kubernetes/objects.ts'
import { type HpaOptions, hpaPolicy } from '../../../src/scaling/policies/hpa/hpa.ts'
import type { Policy, ServerObservation } from '../../../src/scaling/types.ts'
import { type ControlPlane, startControlPlane } from './control-plane.ts'
import { MetricsApi } from './metrics-api.ts'

/** What a HorizontalPodAutoscaler and our policy are both set to, and the load on its pods. */
export interface HpaCase {
  readonly name: string
  readonly metric: 'messagesPerSecond' | 'cpu'
  readonly options: HpaOptions
  readonly minReplicas: number
  readonly maxReplicas: number
  readonly initial: number
  /** The load at the n-th sync. */
  load(sync: number): number
  /** Probabilities: that a pod that runs has no metric, and that a new pod is pending for one more sync. */
  readonly missing: number
  readonly pending: number
}

/** One sync of the real controller beside ours. */
export interface HpaSync {
  readonly case: string
  readonly number: number
  readonly replicas: number
  readonly states: string
  readonly real: number
  readonly ours: number
  readonly reason: string
}

const PODS = '/api/v1/namespaces/default/pods'
const APPS = '/apis/apps/v1/namespaces/default/deployments'
const HPAS = '/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers'
const SYNC_MS = 1000
/**
 * Syncs of a case come at whole multiples of this, and the periods of its behavior are odd numbers of seconds: what is remembered
 * is never at the edge of a period, where milliseconds would decide.
 */
const GRID_MS = 2000
/** Time that the controller has to see what was changed. */
const SETTLE_MS = 400

/** The part of the control plane that an HPA needs: nothing else touches its pods. */
export async function startHpaController(bin: string): Promise<ControlPlane> {
  return startControlPlane(bin, {
    apiServer: ['--disable-admission-plugins=ServiceAccount'],
    controllerManager: [
      '--controllers=horizontal-pod-autoscaler-controller',
      `--horizontal-pod-autoscaler-sync-period=${SYNC_MS}ms`,
      '--concurrent-horizontal-pod-autoscaler-syncs=100',
      '--kube-api-qps=2000',
      '--kube-api-burst=4000',
    ],
  })
}

interface PodOfCase {
  readonly name: string
  state: 'pending' | 'running'
}

/**
 * A Deployment that nothing but an HPA scales. The controller asks for metrics before it looks at the pods: at that moment they
 * are made what this sync is to see, and our policy gets the same.
 */
class World {
  readonly syncs: HpaSync[] = []
  readonly #plane: ControlPlane
  readonly #case: HpaCase
  readonly #rng: Rng
  readonly #policy: Policy
  readonly #pods: PodOfCase[] = []
  readonly #phase: number
  #created = 0
  #last: Omit<HpaSync, 'real'> | undefined

  constructor(plane: ControlPlane, of: HpaCase, phase: number) {
    this.#plane = plane
    this.#case = of
    this.#rng = seededRng(of.name)
    this.#policy = hpaPolicy({ ...of.options, metric: of.metric })
    this.#phase = phase
  }

  async start(): Promise<void> {
    const { name, initial } = this.#case
    const { api } = this.#plane
    const labels = { app: name }
    await api.create(APPS, {
      metadata: { name },
      spec: {
        replicas: initial,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'c' }] } },
      },
    })
    await this.#makePods(initial)
    for (const pod of this.#pods) await this.#run(pod)
    // The controller syncs for the first time one period after it sees the HPA.
    await this.#onGrid(SYNC_MS)
    await api.create(HPAS, manifestOf(this.#case))
  }

  /** Called by the controller at each sync, before it looks at the pods. */
  async values(): Promise<ReadonlyMap<string, number>> {
    const { spec } = await this.#plane.api.get<{ spec: { replicas: number } }>(`${APPS}/${this.#case.name}`)
    const { replicas } = spec
    const values = new Map<string, number>()
    if (this.#last) {
      this.syncs.push({ ...this.#last, real: replicas })
      for (const pod of this.#pods) {
        if (pod.state === 'pending' && this.#rng.next() >= this.#case.pending) await this.#run(pod)
      }
      await this.#makePods(replicas)
      await this.#onGrid()
      this.#measure(this.#last.number + 1, values)
    }
    this.#decide(replicas, values)
    return values
  }

  /** The metric of each pod that runs, where it is not missing. */
  #measure(sync: number, values: Map<string, number>): void {
    const running = this.#pods.filter(({ state }) => state === 'running')
    const each = this.#case.load(sync) / Math.max(1, running.length)
    for (const pod of running) {
      const value = Math.round(each * (0.8 + 0.4 * this.#rng.next()) * 1000) / 1000
      if (this.#rng.next() >= this.#case.missing) values.set(pod.name, value)
    }
  }

  /** What ours makes of it. The first sync has no metrics: it says from when on both remember. */
  #decide(replicas: number, values: ReadonlyMap<string, number>): void {
    const { name, metric, minReplicas, maxReplicas } = this.#case
    const servers = this.#pods.map((pod, i): ServerObservation => {
      const value = values.get(pod.name)
      const state = pod.state === 'running' ? 'ready' : 'starting'
      return { id: i + 1, state, users: 0, ...(value !== undefined && { [metric]: value }) }
    })
    const time = performance.now() / 1000
    const { servers: wanted, reason } = this.#policy.evaluate({
      time,
      load: 0,
      desiredCount: replicas,
      servers,
    })
    const ours = Math.min(maxReplicas, Math.max(minReplicas, wanted))
    const states = this.#pods.map((pod) => (pod.state === 'pending' ? 'p' : values.has(pod.name) ? 'R' : 'm'))
    const number = this.#last ? this.#last.number + 1 : 0
    this.#last = { case: name, number, replicas, states: states.join(''), ours, reason }
  }

  /** Resolves `ahead` ms before the next moment of the case's grid that leaves the controller time to see the pods. */
  async #onGrid(ahead = 0): Promise<void> {
    const earliest = performance.now() + SETTLE_MS + ahead - this.#phase
    const at = Math.ceil(earliest / GRID_MS) * GRID_MS + this.#phase - ahead
    await new Promise((resolve) => setTimeout(resolve, at - performance.now()))
  }

  async #makePods(count: number): Promise<void> {
    const { api } = this.#plane
    const { name } = this.#case
    while (this.#pods.length < count) {
      const pod: PodOfCase = { name: `${name}-${this.#created++}`, state: 'pending' }
      this.#pods.push(pod)
      const requests = { cpu: '1' }
      await api.create<Pod>(PODS, {
        metadata: { name: pod.name, labels: { app: name } },
        spec: { schedulerName: 'none', containers: [{ name: 'c', image: 'c', resources: { requests } }] },
      })
    }
    for (const { name } of this.#pods.splice(count))
      await api.delete(`${PODS}/${name}`, { gracePeriodSeconds: 0 })
  }

  /** Has been ready for long: the CPU of a young pod does not count. */
  async #run(pod: PodOfCase): Promise<void> {
    pod.state = 'running'
    const startTime = new Date(Date.now() - 3_600_000).toISOString()
    const lastTransitionTime = new Date(Date.now() - 3_500_000).toISOString()
    const conditions = [{ type: 'Ready', status: 'True', lastTransitionTime }]
    const status = { phase: 'Running', startTime, conditions }
    await this.#plane.api.patch(`${PODS}/${pod.name}/status`, { status }, { strategic: true })
  }
}

function manifestOf({ name, metric, options, minReplicas, maxReplicas }: HpaCase): object {
  const { target = 30, tolerance, scaleUp, scaleDown } = options
  const averageValue = `${Math.round(target * 1000)}m`
  const value = { type: 'AverageValue', averageValue }
  const direction = (rules: HpaOptions['scaleUp']) => ({
    ...(tolerance !== undefined && { tolerance: String(tolerance) }),
    ...(rules?.stabilizationWindow !== undefined && {
      stabilizationWindowSeconds: rules.stabilizationWindow,
    }),
    ...(rules?.select && { selectPolicy: { max: 'Max', min: 'Min', disabled: 'Disabled' }[rules.select] }),
    ...(rules?.limits && {
      policies: rules.limits.map(({ type, value, period }) => {
        return { type: type === 'pods' ? 'Pods' : 'Percent', value, periodSeconds: period }
      }),
    }),
  })
  return {
    metadata: { name },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name },
      minReplicas,
      maxReplicas,
      metrics: [
        metric === 'cpu'
          ? { type: 'Resource', resource: { name: 'cpu', target: value } }
          : { type: 'Pods', pods: { metric: { name: 'messages_per_second' }, target: value } },
      ],
      behavior: { scaleUp: direction(scaleUp), scaleDown: direction(scaleDown) },
    },
  }
}

/**
 * Plays the cases against the real controller of `plane` for at least `syncs` syncs in total; every sync is reported as it is known.
 * @throws when the controller does not sync
 */
export async function compareWithHpa(
  plane: ControlPlane,
  cases: readonly HpaCase[],
  syncs: number,
  onSync: (sync: HpaSync) => void = () => {},
): Promise<HpaSync[]> {
  const worlds = new Map(
    cases.map((each, i) => [`app=${each.name}`, new World(plane, each, (GRID_MS * i) / cases.length)]),
  )
  const metrics = new MetricsApi(plane, { pods: async (selector) => worlds.get(selector)!.values() })
  try {
    await metrics.start()
    await Promise.all([...worlds.values()].map((world) => world.start()))
    const reported = new Map<World, number>()
    const deadline = Date.now() + 60_000 + (syncs / cases.length) * GRID_MS * 4
    for (let total = 0; total < syncs; ) {
      if (Date.now() > deadline)
        throw new Error(`the HPA controller came to ${total} of ${syncs} syncs; see ${plane.folder}`)
      await new Promise((resolve) => setTimeout(resolve, 200))
      total = 0
      for (const world of worlds.values()) {
        for (const sync of world.syncs.slice(reported.get(world) ?? 0)) onSync(sync)
        reported.set(world, world.syncs.length)
        total += world.syncs.length
      }
    }
    return [...worlds.values()].flatMap((world) => world.syncs)
  } finally {
    metrics.close()
  }
}

/** Cases with random options and loads, and the load of each pattern in `recorded`, all from one seed. */
export function randomCases(
  count: number,
  seed: string,
  recorded: readonly ((sync: number) => number)[] = [],
): HpaCase[] {
  return Array.from({ length: count }, (_, i) => {
    const rng = seededRng(`${seed} ${i}`)
    const pick = <T>(...values: T[]): T => values[rng.below(values.length)]!
    const direction = (): HpaOptions['scaleUp'] => {
      const limit = () => ({
        type: pick('pods' as const, 'percent' as const),
        value: pick(1, 2, 3, 4, 10, 25, 50, 100),
        period: pick(1, 3, 5, 7, 9, 11),
      })
      return {
        stabilizationWindow: pick(0, 0, 0, 3, 5, 7),
        select: rng.below(10) === 0 ? 'disabled' : pick('max', 'min'),
        limits: Array.from({ length: 1 + rng.below(3) }, limit),
      }
    }
    const target = pick(0.25, 1, 7.5, 10, 30, 33.333)
    const walk = randomWalk(rng.stream('load'), target)
    const record = recorded.length > 0 && i % 2 === 0 ? recorded[(i / 2) % recorded.length] : undefined
    return {
      name: `case-${i}`,
      metric: pick('messagesPerSecond' as const, 'cpu' as const),
      options: {
        target,
        tolerance: pick(0, 0.05, 0.1, 0.25),
        scaleUp: i % 7 === 6 ? undefined : direction(),
        scaleDown: i % 7 === 6 ? { stabilizationWindow: pick(0, 5) } : direction(),
      },
      minReplicas: pick(1, 2),
      maxReplicas: pick(8, 12, 15),
      initial: pick(2, 3, 5),
      load: record ? (sync) => record(sync) * target : walk,
      missing: pick(0, 0, 0.1, 0.3),
      pending: pick(0, 0.3, 0.7),
    }
  })
}

/** A load that wanders between what one pod and what about fifteen hold, with jumps. */
function randomWalk(rng: Rng, target: number): (sync: number) => number {
  const loads: number[] = []
  let pods = 1 + 8 * rng.next()
  return (sync) => {
    while (loads.length <= sync) {
      if (rng.next() < 0.15) pods = 0.3 + 15 * rng.next()
      else if (rng.next() < 0.7) pods = Math.max(0.2, pods * (0.75 + 0.5 * rng.next()))
      loads.push(pods * target)
    }
    return loads[sync]!
  }
}
