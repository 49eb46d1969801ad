import type { Policy } from '../../types.ts'
import { combined, explain } from './members.ts'

/**
 * The first of several policies that has sufficient data decides; the others are its fallbacks. When none has, nothing
 * changes.
 * @throws {ConcertinaError} INVALID_INPUT when there is no policy.
 */
export function chainPolicy(policies: readonly Policy[]): Policy {
  const policy = combined('chain', policies, (answers, { desiredCount }) => {
    const deciding = answers.findIndex(({ recommendation }) => !recommendation.insufficientData)
    const decider = answers[deciding]?.recommendation
    const considered = decider ? answers.slice(0, deciding + 1) : answers
    const reason = considered.map(explain).join('; ')
    if (!decider) return { servers: desiredCount, reason, insufficientData: true }
    const { servers, forecast } = decider
    return { servers, reason, ...(forecast && { forecast }) }
  })
  // The first decides unless it has insufficient data.
  const usersPerServer = policies[0]?.usersPerServer
  return { ...policy, ...(usersPerServer !== undefined && { usersPerServer }) }
}
