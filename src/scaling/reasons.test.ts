import { expect, it } from 'vitest'
import { eventWords } from '../control/event-words.ts'
import { decisionSentence, wholeReason } from './decision-words.ts'
import { createPolicy, POLICY_KINDS, type PolicySpec } from './policies.ts'
import { reasons } from './reasons.ts'
import type { ServerObservation } from './types.ts'

/** Words that are names, and are the same in every language. */
const NAMES = /\b(CPU|p99|scaleOut|scaleIn|behavior|threshold|hpa|queueing|max|chain|cron)\b/g
const unknownWords = (text: string) => text.replace(NAMES, '').match(/[A-Za-z]{2,}/g) ?? []

const METRICS = ['users', 'cpu', 'utilization', 'latencyP99Ms'] as const
const entries = [{ cron: '0 8 * * *', servers: 4 }]
const SPECS: Record<string, object> = {
  schedule: { entries },
  max: { policies: [{ kind: 'threshold' }, { kind: 'hpa', metric: 'cpu', target: 0.5 }] },
  chain: { policies: [{ kind: 'threshold', metric: 'cpu', scaleUpThreshold: 1 }, { kind: 'queueing' }] },
}

/** A load that rises, stays, falls and is missing now and then, on servers some of which start, drain or report nothing. */
function* observations() {
  for (let i = 0; i < 400; i++) {
    const load = i % 37 === 36 ? undefined : Math.round(100 + 90 * Math.sin(i / 20))
    const count = 1 + (Math.floor(i / 25) % 9)
    const servers = Array.from({ length: count }, (_, id): ServerObservation => {
      const state = id > 2 && i % 11 === 0 ? 'starting' : id > 4 && i % 7 === 0 ? 'draining' : 'ready'
      const users = (load ?? 0) / count
      const silent = i % 53 > 50 || (id === 1 && i % 5 === 0)
      const figures = {
        cpu: users / 60,
        utilization: users / 90,
        latencyP99Ms: users,
        messagesPerSecond: users,
      }
      return { id, state, users, readyAt: i * 30 - 1000, launchedAt: 0, ...(!silent && figures) }
    })
    const desiredCount = servers.filter(({ state }) => state !== 'draining').length
    yield { time: i * 30, load, desiredCount, servers, age: 0 }
  }
}

/** What a policy says, with each metric that it takes. */
function* said(kind: string): Generator<string> {
  for (const metric of METRICS) {
    let policy: ReturnType<typeof createPolicy>
    try {
      policy = createPolicy({ kind, ...(metric !== 'users' && { metric }), ...SPECS[kind] } as PolicySpec)
    } catch {
      continue // it takes no such metric
    }
    for (const each of observations()) yield policy.evaluate(each).reason
  }
}

it.each(POLICY_KINDS)('everything that %s says can be read in Chinese', (kind) => {
  const all = new Set(said(kind))
  expect(all.size).toBeGreaterThan(0)
  const left = [...all].filter((reason) => unknownWords(reasons.translate(reason, 'zh')).length > 0)
  expect(left.map((reason) => [reason, reasons.translate(reason, 'zh')]).slice(0, 3)).toEqual([])
})

it('says a reason in Chinese with its numbers, limits and members', () => {
  const reason =
    'max(threshold, hpa) desires 4 (70 users on 3 servers are 23.3 a server, within 10 and 30); paused'
  expect(reasons.translate(reason, 'en')).toBe(reason)
  expect(reasons.translate(reason, 'zh')).toBe(
    'max(threshold, hpa) 要 4 台（3 台服务器共 70 个用户，平均每台 23.3，在 10 与 30 之间）；已暂停',
  )
  const limited = wholeReason({
    reason: 'the load is unknown, so nothing changes',
    desired: 5,
    limitedBy: 'cooldown',
  })
  expect(reasons.translate(limited, 'zh')).toBe('负载未知，因此不变（目标 5 台，受限于冷却时间）')
})

it('leaves what others wrote as it is', () => {
  const own = 'my policy likes 3 (because; of this'
  expect(reasons.translate(own, 'zh')).toBe(own)
  expect(reasons.translate(`my: policy; ${reasons.say('paused')}`, 'zh')).toBe('my: policy；已暂停')
})

it('says what happened to a fleet in Chinese, with the reason of a decision', () => {
  const event = eventWords.say('up', {
    servers: 4,
    why: reasons.say('aServer', { value: '0.90', metric: 'cpu' }),
  })
  expect(event).toBe('up to 4 servers: 0.90 cpu a server')
  expect(eventWords.translate(event, 'zh')).toBe('扩容到 4 台服务器：每台服务器的 CPU 为 0.90')
  const size = `${eventWords.say('size', { servers: 3 })}; ${eventWords.say('paused')}`
  expect(eventWords.translate(size, 'zh')).toBe('由人工设为 3 台服务器；自动扩缩容已暂停')
  expect(eventWords.translate(eventWords.say('policy', { policy: 'max of [a; b (c 1)]' }), 'zh')).toBe(
    '策略现为 max：[a; b (c 1)]',
  )
})

it('says a whole decision in Chinese', () => {
  const decision = {
    time: 60,
    action: 'none',
    from: 2,
    to: 2,
    desired: 3,
    load: 70,
    policy: 'threshold',
    reason: '70 users on 2 servers are 35.0 a server, above the scale-up threshold of 30',
    limitedBy: 'cooldown',
    numbers: { usersPerServer: 35 },
    forecast: { time: 90, expected: 80, low: 70, high: 90, confidence: 0.95 },
  } as const
  expect(decisionSentence(decision, (time) => `第 ${time} 秒`, 'zh')).toBe(
    '第 60 秒，有 70 个用户，保持 2 台服务器：threshold 看到 2 台服务器共 70 个用户，平均每台 35.0，高于扩容阈值 30。' +
      '目标是 3 台，但距上次扩缩容太近。预计 第 90 秒 有 80 个用户，95 % 的把握在 70 到 90 之间。（usersPerServer 35）',
  )
})
