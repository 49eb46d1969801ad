import { pause } from '../../../base/pause.ts'
import type { KubeApi } from './api.ts'
import type { Deployment, Scale } from './objects.ts'
import { changeReplicas } from './scale.ts'

/** The desired replicas of a Deployment, and the way in which they are set. */
export interface Replicas {
  /** Desired replicas, with all changes that are in flight. */
  readonly count: number
  /** Whether no change is in flight that only this process knows. */
  readonly settled: boolean
  /** How long a pod that was scaled away may live on until it is assumed that another one was removed in its place. */
  readonly removalMs: number
  /** Changes the count; resolves when others can see it, or `close` was called. */
  change(delta: number): Promise<void>
  close(): Promise<void>
}

const RETRY_MS = 1000

interface WrittenReplicasOptions {
  api: KubeApi
  /** Of the scale subresource. */
  path: string
  /** The Deployment as it was seen last. */
  seen: () => Deployment | undefined
  /** Why nothing may be written now. */
  blocked: () => string | undefined
  onChange: () => void
  onProblem: (reason: string) => void
}

/** Written to the Deployment's scale by this process: changes of one moment together, one write at a time, until it succeeds. */
export class WrittenReplicas implements Replicas {
  readonly removalMs = 10_000
  readonly #options: WrittenReplicasOptions
  readonly #abort = new AbortController()
  /** Changes that are not written yet. */
  #unwritten = 0
  /** What was written last, until the watch of the Deployment shows it or something newer. */
  #written: Scale | undefined
  #writing: Promise<void> | undefined

  constructor(options: WrittenReplicasOptions) {
    this.#options = options
  }

  get count(): number {
    const seen = this.#options.seen()
    const written = this.#written
    const newer = written && seen && versionOf(written) > versionOf(seen) ? written : seen
    return (newer?.spec.replicas ?? 0) + this.#unwritten
  }

  get settled(): boolean {
    return this.#unwritten === 0
  }

  change(delta: number): Promise<void> {
    this.#unwritten += delta
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined
    })
    return this.#writing
  }

  async close(): Promise<void> {
    this.#abort.abort()
    await this.#writing
  }

  async #write(): Promise<void> {
    const { api, path, blocked, onChange, onProblem } = this.#options
    await Promise.resolve() // changes of the same moment go into one write
    while (this.#unwritten !== 0 && !this.#abort.signal.aborted) {
      const delta = this.#unwritten
      try {
        const conflict = blocked()
        if (conflict !== undefined) throw new Error(conflict)
        this.#written = await changeReplicas(api, path, delta)
        this.#unwritten -= delta
        onChange()
      } catch (error) {
        onProblem(`cannot scale the Deployment: ${(error as Error).message}`)
        await pause(RETRY_MS, this.#abort.signal)
      }
    }
  }
}

/** Receives the desired replicas of a Deployment; `undefined` while this process does not know. */
export type PublishReplicas = (count: number | undefined) => void

/** Published for an HPA, which sets it when it next looks. */
export class PublishedReplicas implements Replicas {
  readonly settled = true
  /** An HPA looks every 15 s by default, and may miss one. */
  readonly removalMs = 60_000
  readonly #publish: PublishReplicas
  #count: number

  /** @param count to begin with: as many as there are */
  constructor(count: number, publish: PublishReplicas) {
    this.#count = count
    this.#publish = publish
  }

  get count(): number {
    return this.#count
  }

  start(): void {
    this.#publish(this.#count)
  }

  async change(delta: number): Promise<void> {
    this.#count = Math.max(0, this.#count + delta)
    this.#publish(this.#count)
  }

  async close(): Promise<void> {
    this.#publish(undefined)
  }
}

/** Where an object is in the order of writes. */
function versionOf({ metadata }: { metadata: { resourceVersion?: string } }): number {
  return Number(metadata.resourceVersion ?? 0)
}
