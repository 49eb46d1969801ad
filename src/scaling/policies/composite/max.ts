import type { Policy } from '../../types.ts'
import { combined, explain } from './members.ts'

/**
 * The largest of what several policies desire. One with insufficient data desires the current size: so while figures are missing to any of them,
 * nothing is scaled in, but the others may still scale out.
 * @throws {ConcertinaError} INVALID_INPUT when there is no policy.
 */
export function maxPolicy(policies: readonly Policy[]): Policy {
  const policy = combined('max', policies, (answers) => {
    const all = answers.map(({ wanted }) => wanted)
    const forecast = all.find((each) => each.forecast)?.forecast
    return {
      servers: Math.max(...all.map(({ servers }) => servers)),
      reason: answers.map(explain).join('; '),
      ...(forecast && { forecast }),
      ...(all.every(({ insufficientData }) => insufficientData) && { insufficientData: true }),
    }
  })
  // The one that lets a server hold least is the first to want another.
  const held = policies.flatMap(({ usersPerServer }) => usersPerServer ?? [])
  return { ...policy, ...(held.length > 0 && { usersPerServer: Math.min(...held) }) }
}
