import { pause } from '../../../base/pause.ts'
import { timeoutSignal } from '../../../base/timeout-signal.ts'
import { type KubeApi, KubeError } from './api.ts'
import type { KubeList, KubeObject } from './objects.ts'

export interface WatcherOptions {
  /** The collection, such as `/api/v1/namespaces/chat/pods`. */
  path: string
  labelSelector?: string | undefined
  fieldSelector?: string | undefined
  /** Called after each change of `objects`, and after each new list. */
  onChange: () => void
  /** Called when the API server cannot be read; the watcher keeps trying. */
  onProblem: (reason: string) => void
}

/** Seconds after which everything is listed again, whatever the watch delivered. */
const RESYNC_SECONDS = 120
const MIN_BACKOFF_MS = 200
const MAX_BACKOFF_MS = 10_000

/**
 * A collection as it is now: listed, then watched from there; listed again when the watch cannot continue. It survives every
 * error of the API server, and bookmarks let it continue without a list.
 */
export class Watcher<T extends KubeObject> {
  /** By name. */
  readonly objects = new Map<string, T>()
  readonly #api: KubeApi
  readonly #options: WatcherOptions
  readonly #abort = new AbortController()
  #running: Promise<void> | undefined

  constructor(api: KubeApi, options: WatcherOptions) {
    this.#api = api
    this.#options = options
  }

  /** Resolves when the collection was listed once. @throws {KubeError} when it cannot be. */
  async start(): Promise<void> {
    const version = await this.#list()
    this.#running = this.#run(version)
  }

  async close(): Promise<void> {
    this.#abort.abort()
    await this.#running
  }

  get #query() {
    const { labelSelector, fieldSelector } = this.#options
    return { labelSelector, fieldSelector }
  }

  async #list(): Promise<string> {
    const list = await this.#api.get<KubeList<T>>(this.#options.path, {
      query: this.#query,
      signal: this.#abort.signal,
    })
    this.objects.clear()
    for (const item of list.items) this.objects.set(item.metadata.name, item)
    this.#options.onChange()
    return list.metadata.resourceVersion ?? ''
  }

  async #run(first: string): Promise<void> {
    const { signal } = this.#abort
    let version = first
    let backoff = MIN_BACKOFF_MS
    let listed = performance.now()
    while (!signal.aborted) {
      try {
        if (version === '' || performance.now() - listed > RESYNC_SECONDS * 1000) {
          version = await this.#list()
          listed = performance.now()
        }
        const began = performance.now()
        version = await this.#follow(version)
        // Something between may end every watch at once.
        if (performance.now() - began < 1000) await pause(MIN_BACKOFF_MS, signal)
        backoff = MIN_BACKOFF_MS
      } catch (error) {
        if (signal.aborted) return
        // 410: the version is too old to be watched from. Anything else: list again, too, to miss nothing.
        version = ''
        if (!(error instanceof KubeError && error.status === 410)) {
          this.#options.onProblem(`Kubernetes API: ${(error as Error).message}`)
        }
        await pause(backoff * (0.5 + Math.random()), signal)
        backoff = Math.min(MAX_BACKOFF_MS, backoff * 2)
      }
    }
  }

  /** Applies what changes; returns the version that it came to. */
  async #follow(from: string): Promise<string> {
    const end = timeoutSignal(RESYNC_SECONDS * 1000)
    const signal = AbortSignal.any([this.#abort.signal, end])
    let version = from
    try {
      const query = { ...this.#query, resourceVersion: from }
      for await (const { type, object } of this.#api.watch<T>(this.#options.path, query, signal)) {
        if (type === 'ERROR') {
          const { code = 0, message = 'watch error' } = object as { code?: number; message?: string }
          throw new KubeError(code, message)
        }
        version = object.metadata.resourceVersion ?? version
        if (type === 'BOOKMARK') continue
        if (type === 'DELETED') this.objects.delete(object.metadata.name)
        else this.objects.set(object.metadata.name, object)
        this.#options.onChange()
      }
    } catch (error) {
      if (!end.aborted) throw error
    }
    return version
  }
}
