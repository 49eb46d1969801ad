/** The longest wait that a timer holds, milliseconds. */
const MAX_TIMER_MS = 2 ** 31 - 1

/** `ms` as a timer can wait: at most 24 days. What is longer would be over at once. */
export const timerMs = (ms: number): number => Math.min(ms, MAX_TIMER_MS)
