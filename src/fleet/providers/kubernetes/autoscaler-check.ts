import type { KubeApi } from './api.ts'
import { autoscalersOf, obstaclesIn, type PublishedSize } from './autoscalers.ts'
import type { HorizontalPodAutoscaler, KubeList } from './objects.ts'

interface AutoscalerCheckOptions {
  api: KubeApi
  namespace: string
  deployment: string
  /** The size that an HPA sets; `undefined` where this process scales the Deployment itself, and no HPA may. */
  published: () => PublishedSize | undefined
  onProblem: (reason: string) => void
}

/**
 * Looks for HPAs of a Deployment: one that scales it beside this process is a conflict, as the two would never agree; one that sets
 * the published size must be able to.
 */
export class AutoscalerCheck {
  readonly #options: AutoscalerCheckOptions
  #isFirst = true
  #conflict: string | undefined
  /** As they were reported last. */
  #obstacles: readonly string[] = []

  constructor(options: AutoscalerCheckOptions) {
    this.#options = options
  }

  /** Why this process must not scale the Deployment. */
  get conflict(): string | undefined {
    return this.#conflict
  }

  /** Reports what is new; a conflict only if it came after the first look. */
  async look(): Promise<void> {
    const { api, namespace, deployment, published, onProblem } = this.#options
    const isFirst = this.#isFirst
    this.#isFirst = false
    try {
      const path = `/apis/autoscaling/v2/namespaces/${namespace}/horizontalpodautoscalers`
      const { items } = await api.get<KubeList<HorizontalPodAutoscaler>>(path)
      const found = autoscalersOf(items, deployment)
      const size = published()
      if (size) {
        const obstacles = obstaclesIn(found, size)
        for (const each of obstacles) if (!this.#obstacles.includes(each)) onProblem(each)
        this.#obstacles = obstacles
        return
      }
      const conflict = found[0] && `the HorizontalPodAutoscaler ${found[0].metadata.name} scales it, too`
      if (conflict && !this.#conflict && !isFirst)
        onProblem(`${conflict}: nothing is scaled until it is gone`)
      this.#conflict = conflict
    } catch (error) {
      onProblem(`cannot look for HorizontalPodAutoscalers: ${(error as Error).message}`)
    }
  }
}
