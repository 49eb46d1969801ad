import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { eventWords } from '../control/event-words.ts'
import { failureWords, howItEnded } from '../fleet/failure-words.ts'
import { optionMeaning, optionName, policyText, valueName } from './option-words.ts'
import { policySchema } from './policies.ts'
import { optionWords, policyWords } from './policy-words.ts'

interface Schema {
  description?: string
  const?: unknown
  enum?: unknown[]
  properties?: Record<string, Schema>
  items?: Schema
  oneOf?: Schema[]
  anyOf?: Schema[]
  $defs?: Record<string, Schema>
}

/** What the form of the dashboard shows of any policy. */
function* shown(schema: Schema): Generator<['name' | 'meaning' | 'value', string]> {
  const { description, properties = {}, items, oneOf = [], anyOf = [], $defs = {} } = schema
  if (description !== undefined) yield ['meaning', description]
  for (const value of schema.enum ?? []) yield ['value', String(value)]
  for (const [key, field] of Object.entries(properties)) {
    if (field.const !== undefined) continue // the kind, a name of its own
    yield ['name', optionWords(key)]
    yield* shown(field)
  }
  for (const each of [...oneOf, ...anyOf, ...Object.values($defs), ...(items ? [items] : [])])
    yield* shown(each)
}

/** Words that Chinese texts have, too. */
const KEPT = ['cron', 'IANA', 'ISO', 'CPU', 'P99']
const english = (text: string) => (text.match(/[a-z]{2,}\d*/gi) ?? []).filter((word) => !KEPT.includes(word))

describe('options of policies in Chinese', () => {
  const all = new Map<string, 'name' | 'meaning' | 'value'>()
  for (const [what, text] of shown(z.toJSONSchema(policySchema, { io: 'input' }) as Schema)) {
    // What stands for the whole is not in the form.
    if (text !== 'what decides how many servers are desired') all.set(text, what)
  }
  const translate = { name: optionName, meaning: optionMeaning, value: valueName }

  it('leave no English word', () => {
    expect(all.size).toBeGreaterThan(100)
    const left = [...all].filter(([text, what]) => english(translate[what](text, 'zh')).length > 0)
    expect(left).toEqual([])
  })

  it('are in English as they are', () => {
    for (const [text, what] of all) expect(translate[what](text, 'en')).toBe(text)
  })
})

it('says a policy in Chinese, with the policies and lists within it, and nothing else', () => {
  const words = policyWords({
    kind: 'max',
    policies: [
      {
        kind: 'hpa',
        metric: 'cpu',
        scaleDown: { stabilizationWindow: 300, limits: [{ type: 'pods', value: 2, period: 60 }] },
      },
      { kind: 'target-tracking', target: 20, disableScaleIn: true },
    ],
  } as never)
  expect(policyText(words, 'en')).toBe(words)
  expect(policyText(words, 'zh')).toBe(
    'max：[hpa (指标 CPU, 缩容 (稳定窗口 300, 限制 (类型 副本, 值 2, 周期 60))); target-tracking (目标 20, 禁止缩容 是)]',
  )
  const own = 'my own policy (of change 3)'
  expect(policyText(own, 'zh')).toBe(own)
})

it.each([
  [howItEnded(null, 'SIGKILL'), '被 SIGKILL 终止'],
  [howItEnded(3, null), '以状态 3 退出'],
  [`${howItEnded(3, null)}: no space left`, '以状态 3 退出：no space left'],
  [failureWords.say('notReady', { seconds: 30 }), '30 秒内未就绪'],
  [failureWords.say('notReadyBecause', { seconds: 60, why: 'no reason given' }), '60 秒未就绪：未说明原因'],
  [failureWords.say('podDeleted'), 'Pod 已被删除'],
  ['OOMKilled: of the platform', 'OOMKilled: of the platform'],
])('says in Chinese that a server failed: %s', (why, chinese) => {
  expect(eventWords.translate(eventWords.say('failed', { id: 4, why }), 'zh')).toBe(
    `服务器 4 失败：${chinese}`,
  )
})
