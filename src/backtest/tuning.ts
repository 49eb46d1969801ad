import { invalidInput } from '../base/errors.ts'
import type { Candidate, EvaluationSettings, TraceInput } from './evaluate.ts'
import type { FluidResult, RunBound } from './fluid.ts'
import {
  around,
  combinations,
  type Dimension,
  halved,
  reachOf,
  type Setting,
  variant,
} from './search-space.ts'
import type { TaskPool } from './task-pool.ts'
import type { Task } from './tasks.ts'

/** What a search found. */
export interface Tuned {
  readonly candidate: Candidate
  readonly setting: Setting
  readonly result: FluidResult
  /** Whether it keeps to the allowed overload; if nothing does, what is found has the least overload. */
  readonly within: boolean
  /** Settings that were tried. */
  readonly tried: number
}

/** How a search is done, and who watches. */
export interface TuningOptions {
  /** Rounds with half the distance each around the best of the grid. */
  readonly rounds: number
  /** Called when settings were tried; `of` grows with each round. */
  readonly onProgress?: (done: number, of: number) => void
}

interface Trial {
  readonly setting: Setting
  readonly candidate: Candidate
}

interface Found extends Trial {
  readonly result: FluidResult
  /** Its place among all candidates: of equals the first is chosen, whichever was done first. */
  readonly place: number
}

/** One search on one load. */
class Search {
  readonly #pool: TaskPool
  readonly #base: Candidate
  readonly #settings: EvaluationSettings
  readonly #input: TraceInput
  readonly #onProgress: TuningOptions['onProgress']
  readonly #trials: Trial[] = []
  readonly #known = new Set<string>()
  tried = 0
  /** The cheapest that keeps to the allowed overload. */
  cheapest: Found | undefined
  /** The least overloaded; only looked for while nothing keeps to it. */
  calmest: Found | undefined

  constructor(
    pool: TaskPool,
    input: TraceInput,
    base: Candidate,
    settings: EvaluationSettings,
    onProgress: TuningOptions['onProgress'],
  ) {
    this.#pool = pool
    this.#input = input
    this.#base = base
    this.#settings = settings
    this.#onProgress = onProgress
  }

  /** Tries those settings that are allowed and new. */
  async tryAll(settings: readonly Setting[]): Promise<void> {
    const from = this.#trials.length
    for (const setting of settings) {
      const key = JSON.stringify(setting, (_, value: unknown) => value ?? null)
      const candidate = this.#known.has(key) ? undefined : variant(this.#base, setting)
      this.#known.add(key)
      if (candidate) this.#trials.push({ setting, candidate })
    }
    const places = Array.from({ length: this.#trials.length - from }, (_, i) => from + i)
    const serverSeconds = () => (this.cheapest ? this.cheapest.result.serverHours * 3600 : Infinity)
    await this.#run(
      places,
      () => ({ overload: this.#settings.overload, serverSeconds: serverSeconds() }),
      () => {
        this.tried++
        this.#onProgress?.(this.tried, this.#trials.length)
      },
    )
    if (this.cheapest) return
    const overload = () => this.calmest?.result.overload ?? Infinity
    await this.#run(places.reverse(), () => ({ overload: overload(), serverSeconds: Infinity }))
  }

  /** A run is given up beyond the bound, which no better one crosses, so the answer is that of the whole list. */
  async #run(
    places: readonly number[],
    bound: () => RunBound,
    onTried: () => void = () => {},
  ): Promise<void> {
    const [input, settings] = [this.#input, this.#settings]
    const tasks = places.map((place) => (): Task => {
      const { candidate } = this.#trials[place]!
      return { kind: 'evaluate', input, settings, candidate, giveUp: bound() }
    })
    await this.#pool.perform(tasks, (outcome, i) => {
      if (outcome.kind !== 'evaluate') return
      const { result } = outcome
      if (!result.abandoned) this.#compare({ ...this.#trials[places[i]!]!, result, place: places[i]! })
      onTried()
    })
  }

  #compare(found: Found): void {
    const better = (figure: 'serverHours' | 'overload', than: Found | undefined) => {
      const by = than ? found.result[figure] - than.result[figure] : -1
      return by < 0 || (by === 0 && found.place < than!.place)
    }
    if (found.result.overload <= this.#settings.overload) {
      if (better('serverHours', this.cheapest)) this.cheapest = found
    } else if (better('overload', this.calmest)) this.calmest = found
  }
}

/**
 * Tries every combination of a grid on a load and takes the cheapest that keeps to the allowed overload; then looks around it,
 * in one and two options at once, at half the distance in each round. The answer does not depend on the number of threads.
 * Aborted, it returns the best so far, if any.
 * @throws {ConcertinaError} INVALID_INPUT when the policy takes none of the combinations.
 */
export async function tune(
  pool: TaskPool,
  input: TraceInput,
  base: Candidate,
  settings: EvaluationSettings,
  space: readonly Dimension[],
  { rounds, onProgress }: TuningOptions,
): Promise<Tuned | undefined> {
  const combined = combinations(space)
  if (!combined.some((setting) => variant(base, setting))) {
    const paths = space.map((each) => each.path).join(', ')
    throw invalidInput(
      '--search',
      `${base.name} accepts no combination of ${paths}`,
      'other options or values',
    )
  }
  const search = new Search(pool, input, base, settings, onProgress)
  await search.tryAll(combined)
  let reach = search.cheapest && reachOf(space, search.cheapest.setting)
  for (let round = 0; round < rounds && reach && search.cheapest && !pool.stopped; round++) {
    await search.tryAll(around(search.cheapest.setting, reach))
    reach = halved(reach)
  }
  const { cheapest, calmest, tried } = search
  const best = cheapest ?? calmest
  if (!best) return undefined
  const { candidate, setting, result } = best
  return { candidate, setting, result, within: best === cheapest, tried }
}
