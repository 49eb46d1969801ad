import type { Buckets } from './buckets.ts'

/** A histogram in the text format of Prometheus: buckets count everything up to their bound. */
export function histogramText(name: string, help: string, { bounds, counts, sum }: Buckets): string {
  const lines = [`# HELP ${name} ${help}`, `# TYPE ${name} histogram`]
  let count = 0
  for (const [i, le] of [...bounds, '+Inf'].entries()) {
    count += counts[i]!
    lines.push(`${name}_bucket{le="${le}"} ${count}`)
  }
  lines.push(`${name}_sum ${sum}`, `${name}_count ${count}`)
  return `${lines.join('\n')}\n`
}
