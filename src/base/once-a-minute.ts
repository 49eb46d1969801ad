const EVERY_MS = 60_000
const MOST_KEPT = 1000

/** Whether a text is to be logged now: once a minute, however often it comes. */
export function onceAMinute(): (text: string) => boolean {
  const logged = new Map<string, number>()
  return (text) => {
    const now = performance.now()
    if (now - (logged.get(text) ?? Number.NEGATIVE_INFINITY) < EVERY_MS) return false
    if (logged.size >= MOST_KEPT) logged.clear()
    logged.set(text, now)
    return true
  }
}
