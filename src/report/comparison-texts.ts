import type { Restart } from '../backtest/evaluate.ts'
import type { Catalogue, Language } from '../base/language.ts'

/** The columns of the tables that have the same figures of one run as of several. */
export type ColumnName =
  | 'aMonth'
  | 'events'
  | 'aDay'
  | 'step'
  | 'moved'
  | 'inVain'
  | 'restart'
  | 'taken'
  | 'peak'
  | 'p50'
  | 'p95'
  | 'p99'
  | 'rejected'
  | 'θ_U'
  | 'θ_O'
  | 'τ_U'
  | 'τ_O'
  | 'υ'

/** The columns before those. */
type FirstColumnName = 'policy' | 'within' | 'overload' | 'cost' | 'onCopies'

interface Verdict {
  readonly policy: string
  readonly within: number
  readonly traces: number
  readonly cost: string
  readonly changes: string
  readonly moves: string
  /** Of the copies of the traces, where there are any. */
  readonly copies?: { readonly within: number; readonly of: number; readonly cost: string }
}

const en = {
  tag: 'en',
  heading: 'Concertina: policies compared',
  introduction: 'Policies on recorded load, beside the cheapest fleet that had known the future.',
  repeat: 'To repeat it',
  sameAgain:
    'What is random in it comes from a fixed seed: the same traces, settings and config give the same figures.',
  allTraces: 'All traces',
  eachTrace: 'Each trace',
  shownPolicies: (count: number) =>
    `The charts show at most ${count} policies: the cheapest within the allowed overload, then the least overloaded.`,
  columnsTitle: 'Columns',
  settings: 'Settings',
  colon: ': ',
  list: ', ',
  // Charts
  servers: 'Servers',
  needed: 'what the load needs',
  readyOf: (policy: string) => `${policy}, ready`,
  picture: 'Overload against cost',
  below: 'below',
  allowed: (share: string) => `allowed: ${share}`,
  costAxis: 'cost over the floor',
  overloadAxis: 'user-time above capacity',
  better: '↙ better',
  medianOf: (traces: number) => `median of ${traces} traces`,
  medianFaint: (traces: number) => `median of ${traces} traces; each faint`,
  // Tables
  traceTitle: (trace: string, hours: string, overload: string, feasible: boolean) =>
    `${trace}: the floor is ${hours} server-hours at ${overload} overload${feasible ? '' : ', the least there can be'}`,
  allTitle: (traces: number, allowed: string) =>
    `median of ${traces} traces, and on how many overload was at most ${allowed}`,
  first: {
    policy: 'policy',
    within: 'within',
    overload: 'overload',
    cost: 'cost',
    onCopies: 'on copies',
  } as Readonly<Record<FirstColumnName, string>>,
  columns: {
    aMonth: 'a month',
    events: 'events',
    aDay: 'a day',
    step: 'step',
    moved: 'moved',
    inVain: 'in vain',
    restart: 'restart',
    taken: 'taken',
    peak: 'peak',
    p50: 'p50',
    p95: 'p95',
    p99: 'p99',
    rejected: 'rejected',
    θ_U: 'θ_U',
    θ_O: 'θ_O',
    τ_U: 'τ_U',
    τ_O: 'τ_O',
    υ: 'υ',
  } as Readonly<Record<ColumnName, string>>,
  meanings: {
    overload: 'share of user-time above the capacity of the ready servers',
    cost: 'server-hours over those of the floor: the cheapest fleet that had known the future',
    copies: 'overload and cost on copies of the trace: begun at another time, scaled, with noise',
    month: 'what the servers cost in 30 days',
    events: 'decisions that changed the number of servers, in all and a day; the largest of the changes',
    moved: 'users who had to change their server because it ended',
    inVain: 'share of the starts that were ended before they were ready',
    restart:
      'servers in the hour after the autoscaler was started again in the middle, compared with the same fleet without that',
    taken: 'spot servers that were taken away',
    peak: 'most servers at once',
    latency: 'of the messages those users would have sent, by the model in docs/compare.md',
    elasticity:
      'SPEC elasticity: how far supply is below (U) and above (O) demand, how long, and how long they do not move together',
  },
  verdict: ({ policy, within, traces, cost, changes, moves, copies }: Verdict) =>
    `${policy}: within on ${within} of ${traces}, ${cost}, ${changes} changes and ${moves} moves a day` +
    (copies ? `; of copies on ${copies.within} of ${copies.of}, ${copies.cost}` : ''),
  // Settings
  holds: 'A server holds',
  users: (count: number) => `${count} users`,
  launch: 'From launch to ready',
  launchTime: (delay: number, tail: number, nodes?: { serversPerNode: number; nodeDelay: number }) =>
    `${delay} s${tail > 0 ? `, and ${tail} s more on average` : ''}` +
    (nodes ? `; nodes of ${nodes.serversPerNode} servers need ${nodes.nodeDelay} s before` : ''),
  seconds: (count: number) => `${count} s`,
  metricDelay: 'Age of the load that policies see',
  drain: 'Users stay on a server that drains for',
  drainTime: (window: number, session: number | undefined) =>
    `${window} s${session === undefined ? '' : `, sessions of ${session} s`}`,
  restart: 'Restart of the autoscaler in the middle',
  restartKind: {
    none: 'none',
    keep: 'with what it had learned',
    forget: 'with nothing',
  } as Readonly<Record<Restart, string>>,
  prices: 'Prices an hour',
  onDemand: (price: number) => `${price} on demand`,
  businessHours: (from: number, to: number, price: number) =>
    `${price} on demand from Monday to Friday, ${from} to ${to} o'clock`,
  reserved: (servers: number, price: number) => `${servers} reserved at ${price}`,
  spot: (share: string, price: number, interruptions: number) =>
    `${share} of the others spot at ${price}, each taken away ${interruptions} times a day`,
  interval: 'Between two decisions',
  warmUp: 'Not counted at the beginning',
  allowedOverload: 'Allowed overload',
  serverRange: (min: number, max: number) => `${min} to ${max}`,
  messages: 'Messages',
  messageModel: (busy: string, slots: number, serviceTime: number, queue: number) =>
    `a full server is ${busy} busy: ${slots} slots, ${serviceTime} s each, at most ${queue} wait`,
}

/** What a comparison says. */
export type ComparisonTexts = typeof en

const zh: ComparisonTexts = {
  tag: 'zh-CN',
  heading: 'Concertina：策略比较',
  introduction: '各策略在录得的负载上的表现，旁边是预知未来的最便宜的集群。',
  repeat: '如何重现',
  sameAgain: '其中的随机部分来自固定的种子：相同的负载、条件和配置会得到相同的数字。',
  allTraces: '所有负载',
  eachTrace: '每段负载',
  shownPolicies: (count) => `图中最多显示 ${count} 个策略：先是过载在允许之内的最便宜的，然后是过载最少的。`,
  columnsTitle: '各列的含义',
  settings: '条件',
  colon: '：',
  list: '、',
  servers: '服务器',
  needed: '负载所需',
  readyOf: (policy) => `${policy}，就绪`,
  picture: '过载与成本',
  below: '更低',
  allowed: (share) => `允许：${share}`,
  costAxis: '与下界之比的成本',
  overloadAxis: '超过容量的用户时间',
  better: '↙ 更好',
  medianOf: (traces) => `${traces} 段负载的中位数`,
  medianFaint: (traces) => `${traces} 段负载的中位数；淡点为单段`,
  traceTitle: (trace, hours, overload, feasible) =>
    `${trace}：下界为 ${hours} 服务器小时，过载 ${overload}${feasible ? '' : '，不可能更少'}`,
  allTitle: (traces, allowed) => `${traces} 段负载的中位数，以及其中多少段的过载不超过 ${allowed}`,
  first: { policy: '策略', within: '达标', overload: '过载', cost: '成本', onCopies: '在副本上' },
  columns: {
    aMonth: '每月',
    events: '变更',
    aDay: '每天',
    step: '最大步',
    moved: '迁移',
    inVain: '白启动',
    restart: '重启',
    taken: '被收回',
    peak: '峰值',
    p50: 'p50',
    p95: 'p95',
    p99: 'p99',
    rejected: '被拒绝',
    θ_U: 'θ_U',
    θ_O: 'θ_O',
    τ_U: 'τ_U',
    τ_O: 'τ_O',
    υ: 'υ',
  },
  meanings: {
    overload: '超过就绪服务器容量的用户时间的比例',
    cost: '服务器小时与下界之比：下界是预知未来的最便宜的集群',
    copies: '在负载的副本上的过载和成本：从别处开始、放大或缩小、加上噪声',
    month: '服务器 30 天的费用',
    events: '改变服务器数量的决策，总数和每天；其中最大的一次改变',
    moved: '因服务器结束而不得不换服务器的用户',
    inVain: '还没就绪就被结束的启动所占的比例',
    restart: '自动扩缩容器在中途重新启动后一小时内的服务器，与没有重启的同一集群相比',
    taken: '被收回的竞价服务器',
    peak: '同时最多的服务器',
    latency: '这些用户会发送的消息的延迟与拒绝，按 docs/compare.md 里的模型',
    elasticity: 'SPEC 弹性指标：供给低于（U）和高于（O）需求多少、多久，以及两者变化不一致有多久',
  },
  verdict: ({ policy, within, traces, cost, changes, moves, copies }) =>
    `${policy}：${traces} 段中 ${within} 段达标，${cost}，每天 ${changes} 次变更、${moves} 个用户迁移` +
    (copies ? `；${copies.of} 个副本中 ${copies.within} 个达标，${copies.cost}` : ''),
  holds: '一台服务器容纳',
  users: (count) => `${count} 个用户`,
  launch: '从启动到就绪',
  launchTime: (delay, tail, nodes) =>
    `${delay} 秒${tail > 0 ? `，平均再加 ${tail} 秒` : ''}` +
    (nodes ? `；每个节点 ${nodes.serversPerNode} 台服务器，节点事先需要 ${nodes.nodeDelay} 秒` : ''),
  seconds: (count) => `${count} 秒`,
  metricDelay: '策略看到的负载的延迟',
  drain: '用户留在排空中的服务器上',
  drainTime: (window, session) => `${window} 秒${session === undefined ? '' : `，会话 ${session} 秒`}`,
  restart: '自动扩缩容器中途重启',
  restartKind: { none: '无', keep: '保留所学', forget: '从零开始' },
  prices: '每小时价格',
  onDemand: (price) => `按需 ${price}`,
  businessHours: (from, to, price) => `周一至周五 ${from} 点至 ${to} 点按需 ${price}`,
  reserved: (servers, price) => `预留 ${servers} 台，${price}`,
  spot: (share, price, interruptions) =>
    `其余的 ${share} 为竞价，${price}，每台每天被收回 ${interruptions} 次`,
  interval: '决策间隔',
  warmUp: '开头不计入',
  allowedOverload: '允许的过载',
  serverRange: (min, max) => `${min} 到 ${max}`,
  messages: '消息',
  messageModel: (busy, slots, serviceTime, queue) =>
    `满载的服务器繁忙 ${busy}：${slots} 个槽位，每条 ${serviceTime} 秒，最多 ${queue} 条等待`,
}

const TEXTS: Catalogue<ComparisonTexts> = { en, zh }

/** The texts of a language; default English. */
export const comparisonTexts = (language: Language = 'en'): ComparisonTexts => TEXTS[language]
