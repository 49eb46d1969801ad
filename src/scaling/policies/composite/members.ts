import { invalidInput } from '../../../base/errors.ts'
import { askPolicy } from '../../ask-policy.ts'
import { reasons } from '../../reasons.ts'
import type { Observation, Policy, Recommendation } from '../../types.ts'

/** What a member of a combined policy recommends. */
export interface Answer {
  readonly name: string
  readonly recommendation: Recommendation
}

/** What a combined policy makes of its members' answers. Their numbers are added to it. */
export type Combine = (answers: readonly Answer[], observation: Observation) => Recommendation

/** What a member recommends, in words. */
export function explain({ name, recommendation }: Answer): string {
  const { servers, reason: what, insufficientData } = recommendation
  return insufficientData
    ? reasons.say('insufficient', { policy: name, what })
    : reasons.say('desires', { policy: name, servers, what })
}

/** What is not a number says nothing: then the other members decide. */
function recommended(policy: Policy, observation: Observation): Recommendation {
  const answer = askPolicy(policy, observation)
  if (typeof answer.servers === 'number' && !Number.isNaN(answer.servers)) return answer
  return { ...answer, servers: observation.desiredCount, insufficientData: true }
}

/**
 * One policy out of several, called as in `max(threshold, hpa)`, with the least cooldown of all. Every member is evaluated every time,
 * also those whose answer does not count, so that all of them know the past.
 * @throws {ConcertinaError} INVALID_INPUT when there is no policy.
 */
export function combined(kind: string, policies: readonly Policy[], combine: Combine): Policy {
  if (policies.length === 0) throw invalidInput('policies', 'is empty', 'at least one policy')
  const names = policies.map(({ name }) => name)
  // Before the numbers of a member; those of the same name are distinguished by their position.
  const prefixes = names.map((name, i) =>
    names.indexOf(name) === names.lastIndexOf(name) ? name : `${name}[${i}]`,
  )
  return {
    name: `${kind}(${names.join(', ')})`,
    limits: { cooldown: Math.min(...policies.map(({ limits }) => limits?.cooldown ?? 5)) },
    evaluate(observation) {
      const answers = policies.map((policy) => ({
        name: policy.name,
        recommendation: recommended(policy, observation),
      }))
      const numbers = Object.fromEntries(
        answers.flatMap(({ recommendation }, i) =>
          Object.entries(recommendation.numbers ?? {}).map(([key, value]) => [
            `${prefixes[i]}.${key}`,
            value,
          ]),
        ),
      )
      return { ...combine(answers, observation), numbers }
    },
    snapshot: () => policies.map((policy) => policy.snapshot?.() ?? null),
    restore(state, shift) {
      if (!Array.isArray(state) || state.length !== policies.length) return
      for (const [i, policy] of policies.entries()) if (state[i] != null) policy.restore?.(state[i], shift)
    },
  }
}
