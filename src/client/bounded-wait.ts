import { timerMs } from '../base/timers.ts'

/** The shortest wait before something is asked for again, milliseconds. */
const LEAST_WAIT_MS = 5

/** How long to wait when a server asks for `ms`, whatever it asks for. */
export const boundedWait = (ms: number): number => timerMs(Math.max(LEAST_WAIT_MS, ms))
