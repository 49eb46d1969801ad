import type { VirtualClock } from '../base/clock.ts'
import { timerMs } from '../base/timers.ts'
import type { BatchFunction, MapFunction, SinkFunction } from './functions.ts'

/** What the environment itself knows of a run. */
export interface RunOutcome {
  readonly seed: number | string
  /** Whether the run was stopped by its signal. */
  readonly interrupted: boolean
}

/** Real time after which the loop lets the event loop breathe (signals, progress), in milliseconds. */
const SLICE_MS = 50
/** Items between two looks at the wall clock. */
const ITEMS_PER_LOOK = 8192

/** The whole chain as one function, so that an item costs one call per operator and nothing else. */
function chain(
  maps: readonly MapFunction<unknown, unknown>[],
  sinks: readonly SinkFunction<unknown>[],
): (item: unknown) => void {
  return (item) => {
    let current = item
    for (let i = 0; i < maps.length; i++) current = maps[i]!.execute(current)
    for (let i = 0; i < sinks.length; i++) sinks[i]!.execute(current)
  }
}

function timeOf(item: unknown): number | undefined {
  const time = (item as { time?: unknown } | null)?.time
  return typeof time === 'number' ? time : undefined
}

/** Takes items from the source one at a time through the chain, at the clock's pace, until the end or the signal. */
export function runItems(
  clock: VirtualClock,
  source: BatchFunction<unknown>,
  maps: readonly MapFunction<unknown, unknown>[],
  sinks: readonly SinkFunction<unknown>[],
  options: { autostop: boolean; signal?: AbortSignal },
): Promise<void> {
  const push = chain(maps, sinks)
  const { autostop, signal } = options
  const paced = Number.isFinite(clock.pace)
  const started = performance.now()
  const origin = clock.now()

  return new Promise((resolve, reject) => {
    let waiting: { item: unknown } | undefined
    let timer: NodeJS.Timeout | undefined
    const finish = (error?: unknown) => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
      if (error === undefined) resolve()
      else reject(error)
    }
    const onAbort = () => finish()

    /** Runs for one slice; gives `false` when the source has ended. */
    const slice = (): { delayMs: number } | 'ended' => {
      const sliceEnds = performance.now() + SLICE_MS
      for (let n = 1; ; n++) {
        const item = waiting ? waiting.item : source.execute()
        waiting = undefined
        if (item === undefined) return 'ended'
        const time = timeOf(item)
        if (time !== undefined) {
          if (paced) {
            const delayMs = ((time - origin) / clock.pace) * 1000 - (performance.now() - started)
            if (delayMs > 1) {
              waiting = { item }
              return { delayMs }
            }
          }
          clock.advanceTo(time)
        }
        push(item)
        if (n % ITEMS_PER_LOOK === 0 && performance.now() > sliceEnds) return { delayMs: 0 }
      }
    }

    const turn = () => {
      if (signal?.aborted) return
      try {
        const next = slice()
        if (next !== 'ended') timer = setTimeout(turn, timerMs(next.delayMs))
        else if (autostop) finish()
        else timer = setInterval(() => {}, 2 ** 30) // keep the process alive until the signal
      } catch (error) {
        finish(error ?? new Error('an operator threw undefined'))
      }
    }

    if (signal?.aborted) return finish()
    signal?.addEventListener('abort', onAbort, { once: true })
    turn()
  })
}
