import type { ServerRef } from '../../provider.ts'
import type { KubeApi } from './api.ts'
import type { Pod } from './objects.ts'
import { gateOf } from './pod-state.ts'

/** The readiness gate that takes a pod out of every Service while it is drained; optional in the pod's template. */
const SERVING_GATE = 'concertina.dev/serving'
const DRAINING = 'concertina.dev/draining'
const DELETION_COST = 'controller.kubernetes.io/pod-deletion-cost'
const COST_DRAINING = -1_000_000
const COST_EMPTY = -2_000_000

/** Whether a controller has begun to drain a pod. */
export function isMarkedDraining({ metadata }: Pod): boolean {
  return metadata.annotations?.[DRAINING] !== undefined
}

/** The annotations and readiness gate of pods: which of them goes first, and whether one serves. */
export class PodMarks {
  readonly #api: KubeApi
  readonly #pods: string
  /** Pods whose readiness gate is being opened. */
  readonly #opening = new Set<ServerRef>()
  readonly #onProblem: (reason: string) => void

  /** @param pods path of the collection */
  constructor(api: KubeApi, pods: string, onProblem: (reason: string) => void) {
    this.#api = api
    this.#pods = pods
    this.#onProblem = onProblem
  }

  /** The pod stops serving, and goes before every one that serves; once it is empty, before those that are not. */
  async drain(ref: ServerRef, { empty = false } = {}): Promise<void> {
    const cost = String(empty ? COST_EMPTY : COST_DRAINING)
    const pod = await this.#annotate(ref, { [DELETION_COST]: cost, [DRAINING]: 'true' })
    if (gateOf(pod, SERVING_GATE) === 'open') await this.#setGate(ref, false)
  }

  /** The pod serves again, and goes as any other. */
  async takeBack(ref: ServerRef): Promise<void> {
    const pod = await this.#annotate(ref, { [DELETION_COST]: null, [DRAINING]: null })
    if (gateOf(pod, SERVING_GATE) === 'closed') await this.#setGate(ref, true)
  }

  /** What a pod is worth when one has to go: the one with the least goes first. */
  async setCost(ref: ServerRef, cost: number): Promise<void> {
    await this.#annotate(ref, { [DELETION_COST]: String(cost) })
  }

  /** Lets a new pod serve. */
  open(pod: Pod): void {
    const { name } = pod.metadata
    if (this.#opening.has(name) || gateOf(pod, SERVING_GATE) !== 'closed') return
    this.#opening.add(name)
    this.#setGate(name, true)
      .catch((error: Error) => this.#onProblem(`cannot let pod ${name} serve: ${error.message}`))
      .finally(() => this.#opening.delete(name))
  }

  #annotate(ref: ServerRef, annotations: Readonly<Record<string, string | null>>): Promise<Pod> {
    return this.#api.patch<Pod>(`${this.#pods}/${ref}`, { metadata: { annotations } })
  }

  async #setGate(ref: ServerRef, serving: boolean): Promise<void> {
    const condition = {
      type: SERVING_GATE,
      status: serving ? 'True' : 'False',
      reason: serving ? 'Serving' : 'Draining',
      lastTransitionTime: new Date().toISOString(),
    }
    const body = { status: { conditions: [condition] } }
    await this.#api.patch(`${this.#pods}/${ref}/status`, body, { strategic: true })
  }
}
