import type { Policy } from '../../types.ts'
import { combined, explain } from './members.ts'

/**
 * The largest of what several policies desire. One with insufficient data desires the current size: so while figures are missing to any of them,
 * nothing is scaled in, but the others may still scale out.
 * @throws {ConcertinaError} INVALID_INPUT when there is no policy.
 */
export function maxPolicy(policies: readonly Policy[]): Policy {
  const policy = combined('max', policies, (answers) => {
    const all = answers.map(({ recommendation }) => recommendation)
    const forecast = all.find((each) => each.forecast)?.forecast
    return {
      servers: Math.max(...all.map(({ servers }) => servers)),
      reason: answers.map(explain).join('; '),
      ...(forecast && { forecast }),
      ...(all.every(({ insufficientData }) => insufficientData) && { insufficientData: true }),
    }
  })
  // The one with the fewest users a server is the first to desire another.
  const capacities = policies.flatMap(({ usersPerServer }) => usersPerServer ?? [])
  return { ...policy, ...(capacities.length > 0 && { usersPerServer: Math.min(...capacities) }) }
}
