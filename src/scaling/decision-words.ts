import type { Catalogue, Language } from '../base/language.ts'
import type { Decision, Forecast } from '../pipeline/items.ts'
import { reasons, serversText } from './reasons.ts'

type Limits = Readonly<Record<NonNullable<Decision['limitedBy']>, string>>

const round = (value: number) => String(+value.toPrecision(5))
export const secondsText = (time: number) => `${+time.toFixed(2)} s`

/** The parts of the sentence about a decision. */
const en = {
  limits: {
    min: 'the fleet is never smaller',
    max: 'the fleet is never larger',
    cooldown: 'the last scaling event was too short a time ago',
    stabilization: 'it did not want so for long enough',
    step: 'one decision may change no more',
    'missing-metrics': 'nothing is removed while figures are missing',
  } as Limits,
  users: (load: number | undefined) =>
    load === undefined ? 'with the load unknown' : `with ${round(load)} users`,
  did: ({ shadow, action, from, to }: Decision) =>
    action === 'none'
      ? `${shadow ? 'the shadow would have' : 'it'} stayed at ${serversText(from)}`
      : `${shadow ? 'the shadow would have gone' : 'it went'} from ${from} to ${serversText(to)}`,
  wish: (desired: number, but: string | undefined) =>
    ` It desired ${serversText(desired)}${but === undefined ? '' : `, but ${but}`}.`,
  ahead: ({ expected, confidence, low, high }: Forecast, at: string) =>
    ` It expected ${round(expected)} users at ${at}, and was ${round(confidence * 100)} % sure of ${round(low)} to ${round(high)}.`,
  numbers: (list: string) => ` (${list})`,
  whole: (at: string, users: string, did: string, policy: string, reason: string) =>
    `At ${at}, ${users}, ${did}: ${policy} saw that ${reason}.`,
}

const zh: typeof en = {
  limits: {
    min: '集群不会更小',
    max: '集群不会更大',
    cooldown: '距上次扩缩容太近',
    stabilization: '这一目标持续得还不够久',
    step: '一次决策不能改变更多',
    'missing-metrics': '指标缺失时不移除服务器',
  },
  users: (load) => (load === undefined ? '负载未知' : `有 ${round(load)} 个用户`),
  did: ({ shadow, action, from, to }) =>
    action === 'none'
      ? `${shadow ? '影子策略会' : ''}保持 ${from} 台服务器`
      : `${shadow ? '影子策略会' : ''}从 ${from} 台变为 ${to} 台服务器`,
  wish: (desired, but) => `目标是 ${desired} 台${but === undefined ? '' : `，但${but}`}。`,
  ahead: ({ expected, confidence, low, high }, at) =>
    `预计 ${at} 有 ${round(expected)} 个用户，${round(confidence * 100)} % 的把握在 ${round(low)} 到 ${round(high)} 之间。`,
  numbers: (list) => `（${list}）`,
  whole: (at, users, did, policy, reason) => `${at}，${users}，${did}：${policy} 看到 ${reason}。`,
}

const TEXTS: Catalogue<typeof en> = { en, zh }

/**
 * One decision as a sentence with its numbers.
 * @param at a time of the run for people
 */
export function decisionSentence(
  decision: Decision,
  at: (time: number) => string = secondsText,
  language: Language = 'en',
): string {
  const { time, to, desired, load, policy, reason, limitedBy, numbers = {}, forecast } = decision
  const texts = TEXTS[language]
  const why = reasons.translate(reason, language)
  const whole = texts.whole(at(time), texts.users(load), texts.did(decision), policy, why)
  const wish = desired === to ? '' : texts.wish(desired, limitedBy && texts.limits[limitedBy])
  const ahead = forecast ? texts.ahead(forecast, at(forecast.time)) : ''
  const finite = Object.entries(numbers).filter(([, value]) => Number.isFinite(value))
  const list = finite.map(([name, value]) => `${name} ${round(value)}`).join(', ')
  return `${whole}${wish}${ahead}${list ? texts.numbers(list) : ''}`
}

/** The reason, and what kept the fleet from what the policy desired. */
export function wholeReason({
  reason,
  desired,
  limitedBy,
}: Pick<Decision, 'reason' | 'desired' | 'limitedBy'>): string {
  return limitedBy ? reasons.say('held', { what: reason, servers: desired, limit: limitedBy }) : reason
}
