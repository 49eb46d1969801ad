import { invalidInput } from '../../errors.ts'
import type { Policy, Recommendation } from '../policy.ts'

/** The largest of what several policies want; each is asked every time, so that all of them know the past. */
export function maxPolicy(policies: readonly Policy[]): Policy {
  if (policies.length === 0) throw invalidInput('policies', 'there is none', 'at least one policy')
  // The one that lets a server hold least is the first to want another.
  const held = policies.flatMap(({ usersPerServer }) => usersPerServer ?? [])
  return {
    name: `max(${policies.map(({ name }) => name).join(', ')})`,
    ...(held.length > 0 && { usersPerServer: Math.min(...held) }),
    limits: { cooldown: Math.min(...policies.map(({ limits }) => limits?.cooldown ?? 5)) },
    evaluate(observation) {
      const all = policies.map((policy): [string, Recommendation] => [
        policy.name,
        policy.evaluate(observation),
      ])
      const most = Math.max(...all.map(([, { servers }]) => servers))
      const told = all.map(([name, { servers, reason }]) => `${name} wants ${servers} (${reason})`)
      const numbers = Object.assign(
        {},
        ...all.map(([name, { numbers = {} }]) =>
          Object.fromEntries(Object.entries(numbers).map(([key, value]) => [`${name}.${key}`, value])),
        ),
      ) as Record<string, number>
      const forecast = all.find(([, each]) => each.forecast)?.[1].forecast
      return { servers: most, reason: told.join('; '), numbers, ...(forecast && { forecast }) }
    },
  }
}
