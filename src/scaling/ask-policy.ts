import type { Observation, Policy, Recommendation } from './types.ts'

/**
 * What a policy recommends; it may be anybody's code.
 * @throws what it throws, and for an answer that is none
 */
export function askPolicy(policy: Policy, observation: Observation): Recommendation {
  const answer: unknown = policy.evaluate(observation)
  if (typeof answer !== 'object' || answer === null)
    throw new TypeError('evaluate() returned no recommendation')
  if ('then' in answer) {
    Promise.resolve(answer).catch(() => {}) // why it rejects matters no more
    throw new TypeError('evaluate() returned a promise: it has to decide at once')
  }
  return answer as Recommendation
}

const isNumber = (value: unknown): boolean => typeof value === 'number'

/** Those of the fields that are numbers: what else a policy may say, JSON may not be able to. */
export function numbersOf<T extends object>(fields: T | undefined): T | undefined {
  if (typeof fields !== 'object' || fields === null) return undefined
  if (Object.values(fields).every(isNumber)) return fields
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => isNumber(value))) as T
}
