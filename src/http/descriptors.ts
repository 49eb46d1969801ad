import { readFileSync } from 'node:fs'

/** Descriptors that this process may have; a guess where the system does not say. */
export function descriptorLimit(): number {
  try {
    const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
    if (soft !== undefined) return Number(soft)
  } catch {
    // Not Linux.
  }
  return 4096
}
