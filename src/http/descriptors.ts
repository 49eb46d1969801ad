import { readFileSync } from 'node:fs'

let limit: number | undefined

/** Descriptors that this process may have; a guess where the system does not say. */
export function descriptorLimit(): number {
  limit ??= readLimit()
  return limit
}

function readLimit(): number {
  try {
    const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
    if (soft !== undefined) return Number(soft)
  } catch {
    // Not Linux.
  }
  return 4096
}

/**
 * Connections that a process can hold and still has descriptors for itself: without one, whatever opens a file fails. A tenth of
 * them is kept, between 40 and 512.
 */
export function mostConnections(descriptors = descriptorLimit()): number {
  return Math.max(1, descriptors - Math.min(512, Math.max(40, Math.floor(descriptors / 10))))
}
