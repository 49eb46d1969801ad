import { expect, it } from 'vitest'
import { type PolicySpec, policyDetails } from './policies.ts'
import { policyOptions, policyWords } from './policy-words.ts'

const fifteen: PolicySpec = { kind: 'threshold', scaleUpThreshold: 15 }
const hpa: PolicySpec = { kind: 'hpa', target: 20 }

it('describes every policy in words, never as data', () => {
  expect(policyWords({ kind: 'threshold' })).toBe('threshold')
  expect(policyWords(fifteen)).toBe('threshold (scale up threshold 15)')
  const both: PolicySpec = {
    kind: 'max',
    policies: [
      {
        kind: 'schedule',
        entries: [
          { cron: '0 8 * * *', servers: 10 },
          { cron: '0 20 * * *', servers: 2 },
        ],
      },
      { kind: 'target-tracking', target: 12, disableScaleIn: true },
    ],
  }
  expect(policyWords(both)).toBe(
    'max of [schedule (entries (cron 0 8 * * *, servers 10; cron 0 20 * * *, servers 2)); ' +
      'target-tracking (target 12, disable scale in yes)]',
  )
  expect(policyWords(both)).not.toMatch(/[{}"]/)
  expect(policyOptions(hpa)).toEqual([['target', '20']])
})

it('lists every option of a policy: given, by default, or what it follows from', () => {
  const details = policyDetails({ kind: 'threshold', scaleUpThreshold: 15 })
  expect(details.map(({ option, value, byDefault }) => [option, value, byDefault])).toEqual([
    ['metric', 'users', true],
    ['scale up threshold', '15', false],
    ['scale down threshold', undefined, true],
  ])
  expect(details[2]!.meaning).toMatch('default 10')
})
