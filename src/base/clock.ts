import { requireKnown } from './known-keys.ts'
import { timerMs } from './timers.ts'

/** Cancels a scheduled call; harmless when it has run already. */
export type Cancel = () => void

/**
 * Where the control plane gets its time from. Times are in seconds since the run began; nothing in `scaling/`,
 * `balancing/`, `traffic/` or `metrics/` reads the wall clock itself.
 */
export interface Clock {
  /** Seconds since the run began. */
  now(): number
  /** Calls `run` once when the clock reaches `time` (seconds); calls of equal time keep their order. */
  at(time: number, run: () => void): Cancel
}

/** A clock that the pipeline moves along as it takes items. */
export interface VirtualClock extends Clock {
  /** How many virtual seconds pass in one real second; `Infinity` means as fast as the machine can. */
  readonly pace: number
  /** Moves to `time`, making every scheduled call on the way in order of time. Never moves back. */
  advanceTo(time: number): void
}

interface Timer {
  readonly time: number
  readonly order: number
  run: (() => void) | undefined
}

/**
 * Virtual time: as fast as the machine can, or at a `pace` (1 = real time) for a run that people watch.
 * Timers are for rare things (a server becomes ready), so a sorted array serves; messages never become timers.
 */
export function virtualClock(options: { pace?: number } = {}): VirtualClock {
  requireKnown('', options, { pace: true })
  const timers: Timer[] = []
  let time = 0
  let order = 0
  return {
    pace: options.pace ?? Infinity,
    now: () => time,
    at(when, run) {
      const timer: Timer = { time: Math.max(when, time), order: order++, run }
      let i = timers.length
      while (i > 0 && timers[i - 1]!.time > timer.time) i--
      timers.splice(i, 0, timer)
      return () => {
        timer.run = undefined
      }
    },
    advanceTo(target) {
      while (timers.length > 0 && timers[0]!.time <= target) {
        const timer = timers.shift()!
        time = timer.time
        timer.run?.()
      }
      if (target > time) time = target
    },
  }
}

/** The time on the wall, from when the clock was made or last set to zero. */
export interface WallClock extends Clock {
  /** It is 0 from now on; calls that were scheduled keep their moment. */
  setToZero(): void
}

/** Real time. Its timers do not keep a process alive. */
export function wallClock(): WallClock {
  let origin = performance.now()
  const now = () => (performance.now() - origin) / 1000
  return {
    now,
    at(time, run) {
      const timer = setTimeout(run, timerMs(Math.max(0, (time - now()) * 1000)))
      timer.unref()
      return () => clearTimeout(timer)
    },
    setToZero() {
      origin = performance.now()
    },
  }
}
