import type { EvaluationSettings } from '../backtest/evaluate.ts'
import type { Catalogue, Language } from '../base/language.ts'

/** What the heading of a replay is about. */
interface Heading {
  readonly file: string
  readonly seconds: number
  readonly policy: string
  readonly settings: EvaluationSettings
  /** Where the time of a start comes from. */
  readonly delay: 'given' | 'seen' | 'default'
  /** Of the floor. */
  readonly serverHours: string
  readonly overload: string
}

const short = (value: number) => +value.toFixed(2)

const en = {
  whichRun: (file: string, runs: number) => `${file}, the longest of ${runs} runs`,
  heading: ({ file, seconds, policy, settings, delay, serverHours, overload }: Heading) => {
    const { usersPerServer, provisioningDelay, interval, minServers, maxServers } = settings
    const seen = { given: '', seen: ' (as seen)', default: ' (no start was seen)' }[delay]
    return (
      `${file}: ${+seconds.toFixed(1)} s under ${policy}, a decision every ${short(interval)} s, ${minServers} to ` +
      `${maxServers} servers; a server holds ${usersPerServer} users and starts in ${+provisioningDelay.toFixed(1)} s${seen}\n` +
      `the floor is ${serverHours} server-hours at ${overload} overload`
    )
  },
  head: ['policy', 'overload', 'server-hours', 'cost', 'events', 'peak'],
  asItWas: 'as it was',
  more: (count: number) => `… and ${count} more (--decisions FILE keeps them all)`,
}

const zh: typeof en = {
  whichRun: (file, runs) => `${file}，${runs} 次运行中最长的一次`,
  heading: ({ file, seconds, policy, settings, delay, serverHours, overload }) => {
    const { usersPerServer, provisioningDelay, interval, minServers, maxServers } = settings
    const seen = { given: '', seen: '（如记录所见）', default: '（未见到启动）' }[delay]
    return (
      `${file}：在 ${policy} 下 ${+seconds.toFixed(1)} s，每 ${short(interval)} s 决策一次，${minServers} 到 ` +
      `${maxServers} 台服务器；一台服务器容纳 ${usersPerServer} 个用户，启动需 ${+provisioningDelay.toFixed(1)} s${seen}\n` +
      `成本下界为 ${serverHours} 服务器小时，过载 ${overload}`
    )
  },
  head: ['策略', '过载', '服务器小时', '成本', '事件', '峰值'],
  asItWas: '实际情况',
  more: (count) => `…… 还有 ${count} 条（--decisions FILE 会全部保存）`,
}

export type ReplayTexts = typeof en

const TEXTS: Catalogue<ReplayTexts> = { en, zh }

export const replayTexts = (language: Language): ReplayTexts => TEXTS[language]
