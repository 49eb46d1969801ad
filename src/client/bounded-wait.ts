/** The longest wait that a timer holds, milliseconds. */
export const MAX_TIMER_MS = 2 ** 31 - 1
/** The shortest wait before something is asked for again, milliseconds. */
const LEAST_WAIT_MS = 5

/** How long to wait when a server asks for `ms`, whatever it asks for. */
export const boundedWait = (ms: number): number => Math.min(Math.max(LEAST_WAIT_MS, ms), MAX_TIMER_MS)
