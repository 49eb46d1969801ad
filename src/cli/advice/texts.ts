import type { Catalogue } from '../../base/language.ts'

interface Kept {
  readonly kept: number
  readonly of: number
  readonly allowed: string
}

const en = {
  range: (least: string, most: string) => `${least} to ${most}`,
  // Questions
  questions: {
    usersPerServer: 'How many users does a server hold?',
    provisioningDelay: 'How many seconds from launch until a server is ready?',
    overload: 'What share of user-time may be above capacity (such as 0.1 %)?',
  },
  numberPlease: 'A number, please.',
  progress: 'runs',
  interrupted: 'interrupted',
  // The advice
  load: (what: string, days: string) => `Load: ${what}, ${days} days`,
  facts: (users: number, delay: number, overload: string) =>
    `A server holds ${users} users and is ready after ${delay} s; ${overload} of user-time may be above capacity.`,
  floor: (hours: string, overload: string) =>
    `the lower bound is ${hours} server-hours at ${overload} overload`,
  head: (price: boolean) => [
    'policy',
    'overload',
    `server-hours in 30 days${price ? ' (price)' : ''}`,
    'of lower bound',
    'events',
    'reliable on',
  ],
  reliable: (kept: number, of: number) => `${kept} of ${of}`,
  recommended: (policy: string) => `Recommended: ${policy}`,
  kept: ({ kept, of, allowed }: Kept) =>
    `It kept to at most ${allowed} overload on ${kept} of ${of}: the trace, three parts of it, and 0.5 to 2 times as many users.`,
  spread: (overload: string, cost: string) =>
    `Its overload was ${overload}, its cost ${cost} the lower bound.`,
  besideToday: (change: string, fewer: boolean, today: string, then: string) =>
    `Beside today: ${change} ${fewer ? 'fewer' : 'more'} server-hours; overload ${today} today, ${then} then.`,
  none: 'No policy keeps to the allowed overload; this one has the least.',
  config: 'its config',
  did: (overload: string, cost: string) => `${overload} overload at ${cost} the lower bound`,
  colon: ': ',
  hpa: 'Kubernetes: HorizontalPodAutoscaler, with a metric "users" of each pod',
  keda: 'KEDA: ScaledObject, with the users of all pods from Prometheus',
  aws: 'AWS: aws autoscaling put-scaling-policy --cli-input-json, with a metric "Users" of each instance',
}

const zh: typeof en = {
  range: (least, most) => `${least} 到 ${most}`,
  questions: {
    usersPerServer: '一台服务器容纳多少用户？',
    provisioningDelay: '服务器从启动到就绪需要多少秒？',
    overload: '允许多大比例的用户时间超过容量（例如 0.1 %）？',
  },
  numberPlease: '请输入一个数字。',
  progress: '次运行',
  interrupted: '已中断',
  load: (what, days) => `负载：${what}，${days} 天`,
  facts: (users, delay, overload) =>
    `一台服务器容纳 ${users} 个用户，${delay} 秒后就绪；允许 ${overload} 的用户时间超过容量。`,
  floor: (hours, overload) => `下界为 ${hours} 服务器小时，过载 ${overload}`,
  head: (price) => [
    '策略',
    '过载',
    `30 天的服务器小时${price ? '（费用）' : ''}`,
    '与下界之比',
    '变更',
    '可靠',
  ],
  reliable: (kept, of) => `${kept}/${of}`,
  recommended: (policy) => `推荐：${policy}`,
  kept: ({ kept, of, allowed }) =>
    `在 ${of} 份负载中的 ${kept} 份上，它的过载不超过 ${allowed}：原负载、其中三段，以及 0.5 到 2 倍的用户。`,
  spread: (overload, cost) => `它的过载为 ${overload}，成本为下界的 ${cost}。`,
  besideToday: (change, fewer, today, then) =>
    `与目前相比：服务器小时${fewer ? '少' : '多'} ${change}；过载目前 ${today}，之后 ${then}。`,
  none: '没有策略能保持在允许的过载之内；这一个过载最少。',
  config: '它的配置',
  did: (overload, cost) => `过载 ${overload}，成本为下界的 ${cost}`,
  colon: '：',
  hpa: 'Kubernetes：HorizontalPodAutoscaler，使用每个 Pod 的指标 “users”',
  keda: 'KEDA：ScaledObject，使用 Prometheus 中所有 Pod 的用户数',
  aws: 'AWS：aws autoscaling put-scaling-policy --cli-input-json，使用每个实例的指标 “Users”',
}

const TEXTS: Catalogue<typeof en> = { en, zh }

/** What `advise` says. */
export type AdviceTexts = typeof en
export const adviceTexts = (language: keyof typeof TEXTS): AdviceTexts => TEXTS[language]
