const EIGHTHS_HIGH = ' ▁▂▃▄▅▆▇█'
const EIGHTHS_WIDE = ' ▏▎▍▌▋▊▉█'

/** One character a value, as high as its share of `highest`; what is not 0 is seen. */
export function sparkline(values: readonly number[], highest: number): string {
  return values
    .map((value) => {
      const share = Math.min(1, value / Math.max(1e-9, highest))
      return EIGHTHS_HIGH[value > 0 ? Math.max(1, Math.round(8 * share)) : 0]
    })
    .join('')
}

/** A bar of `width` cells that is filled by `share` (0–1), to an eighth of a cell; blanks follow. */
export function bar(share: number, width: number): string {
  const eighths = Math.round(8 * width * Math.min(1, Math.max(0, share)))
  const rest = eighths % 8
  return `${'█'.repeat(eighths >> 3)}${rest > 0 ? EIGHTHS_WIDE[rest] : ''}`.padEnd(width)
}

/** A line of `width` cells, heavy up to `share` (0–1) of it. */
export function progressBar(share: number, width: number): string {
  const done = Math.round(width * Math.min(1, Math.max(0, share)))
  return '━'.repeat(done) + '─'.repeat(width - done)
}
