import { expect, it } from 'vitest'
import { AutoScaler } from '../scaling/auto-scaler.ts'
import { createPolicy, type PolicySpec } from '../scaling/policies.ts'
import { captureState, parseState } from './fleet-state.ts'

it.each<PolicySpec>([
  { kind: 'threshold' }, // learns nothing
  { kind: 'hpa', metric: 'users', target: 20 },
  { kind: 'slo', usersPerServer: 30 },
])('can be read again with each policy, whatever it has learned: $kind', (spec) => {
  const autoScaler = new AutoScaler({ policy: createPolicy(spec) })
  const state = captureState(
    {
      autoScaler,
      onFault: (where, error) => {
        throw new Error(where, { cause: error })
      },
    },
    { time: 12, servers: 7, load: 130 },
  )
  const written = JSON.stringify(state)
  expect(parseState(written)).toMatchObject({ servers: 7, load: 130, policy: autoScaler.policy.name })
  expect(JSON.stringify(parseState(written))).toBe(written)
})
