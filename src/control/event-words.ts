import type { Language } from '../base/language.ts'
import { Phrases } from '../base/phrases.ts'
import { failureWords } from '../fleet/failure-words.ts'
import { policyText } from '../scaling/option-words.ts'
import { reasons } from '../scaling/reasons.ts'

/** Why something happened, and what a policy is. */
const within = {
  translate: (text: string, language: Language) =>
    policyText(reasons.translate(failureWords.translate(text, language), language), language),
}

/** What happened to a fleet, as its log of events has it. */
export const eventWords = new Phrases(
  {
    up: ['up to {servers} servers: <why>', '扩容到 {servers} 台服务器：{why}'],
    down: ['down to {servers} servers: <why>', '缩容到 {servers} 台服务器：{why}'],
    gone: ['server {id} is gone: killed by hand', '服务器 {id} 已消失：由人工终止'],
    failed: ['server {id} failed: <why>', '服务器 {id} 失败：{why}'],
    followsPattern: ['the load follows its pattern again', '负载重新按其模式变化'],
    loadSet: ['the load is set to {users} users', '负载设为 {users} 个用户'],
    policy: ['the policy is <policy> now', '策略现为 {policy}'],
    noShadow: ['the shadow is ended', '影子策略已结束'],
    shadow: ['the shadow is <policy> now', '影子策略现为 {policy}'],
    strategy: ['the balancing strategy is {name} now', '负载均衡策略现为 {name}'],
    paused: ['the autoscaler is paused', '自动扩缩容已暂停'],
    resumed: ['the autoscaler is resumed', '自动扩缩容已恢复'],
    size: ['{servers} servers by hand', '由人工设为 {servers} 台服务器'],
    drained: ['server {id} is drained by hand', '服务器 {id} 由人工排空'],
    killed: ['server {id} is killed by hand', '服务器 {id} 由人工终止'],
  } as const,
  within,
)
