const EVERY_MS = 60_000
const MOST_KEPT = 1000

/** Tells of each text whether it is to be said now: once a minute, however often it comes. */
export function onceAMinute(): (text: string) => boolean {
  const said = new Map<string, number>()
  return (text) => {
    const now = performance.now()
    if (now - (said.get(text) ?? Number.NEGATIVE_INFINITY) < EVERY_MS) return false
    if (said.size >= MOST_KEPT) said.clear()
    said.set(text, now)
    return true
  }
}
