/** Levenshtein's edit distance. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1))
    }
    row = next
  }
  return row[b.length]!
}

/** The one of `names` that was probably meant by `name`, if any. */
function nearest(name: string, names: readonly string[]): string | undefined {
  const ranked = names
    .map((each) => ({ each, far: distance(name.toLowerCase(), each.toLowerCase()) }))
    .sort((a, b) => a.far - b.far)
  const best = ranked[0]
  return best && best.far <= Math.max(2, name.length / 3) ? best.each : undefined
}

/** The names to choose from, with the one first that was probably meant. */
export function suggest(name: unknown, names: readonly string[]): string {
  const close = typeof name === 'string' ? nearest(name, names) : undefined
  return close === undefined ? names.join(', ') : `${close} (did you mean it?); all: ${names.join(', ')}`
}
