import type { Language } from '../base/language.ts'
import { Phrases } from '../base/phrases.ts'

/** The names of the options of policies, in words as `optionWords` makes them, and the values that they may have, in Chinese. */
const NAMES: Readonly<Record<string, string>> = {
  metric: '指标',
  'scale up threshold': '扩容阈值',
  'scale down threshold': '缩容阈值',
  'scale out': '扩容',
  threshold: '阈值',
  adjustments: '调整',
  lower: '下限',
  upper: '上限',
  change: '变化',
  'scale in': '缩容',
  'adjustment type': '调整类型',
  'min adjustment magnitude': '最小调整量',
  'warm up': '预热',
  target: '目标',
  'disable scale in': '禁止缩容',
  'scale out after': '多久后扩容',
  'scale in after': '多久后缩容',
  tolerance: '容差',
  'scale up': '扩容',
  'stabilization window': '稳定窗口',
  limits: '限制',
  type: '类型',
  value: '值',
  period: '周期',
  select: '选择',
  'scale down': '缩容',
  'target utilization': '目标利用率',
  'stable window': '平稳窗口',
  'panic window': '应急窗口',
  'panic threshold': '应急阈值',
  'max scale up rate': '最大扩容倍率',
  'max scale down rate': '最大缩容倍率',
  entries: '时间表',
  cron: 'cron 表达式',
  servers: '服务器',
  'time zone': '时区',
  start: '开始',
  'users per server': '每台服务器的用户',
  beta: 'β',
  horizon: '预测时长',
  alpha: 'α',
  gamma: 'γ',
  season: '季节',
  percentile: '百分位',
  averaging: '平均时长',
  'scheduling buffer': '提前量',
  overload: '过载',
  'server cost': '服务器成本',
  'start cost': '启动成本',
  'move cost': '迁移成本',
  'provisioning delay': '启动时间',
  policies: '策略',
}

const VALUES: Readonly<Record<string, string>> = {
  users: '用户',
  messagesPerSecond: '每秒消息数',
  utilization: '利用率',
  queued: '排队的消息',
  cpu: 'CPU',
  memoryBytes: '内存（字节）',
  eventLoopUtilization: '事件循环利用率',
  latencyP99Ms: 'P99 延迟（毫秒）',
  change: '增减',
  exact: '确切数量',
  percent: '百分比',
  pods: '副本',
  max: '最大',
  min: '最小',
  disabled: '禁用',
  yes: '是',
  no: '否',
}

const meanings = new Phrases({
  averaged: [
    'what is averaged: users over all desired servers, others over the ready ones',
    '取平均的指标：用户按目标服务器数平均，其他按就绪的服务器平均',
  ],
  upAbove: [
    'average of the metric a server (users by default) above which a server is added',
    '每台服务器的平均指标（默认为用户）高于此值时增加一台服务器',
  ],
  downBelow: [
    'average of the metric a server below which a server is removed; default 10, or half of scaleUpThreshold where that is 10 or less',
    '每台服务器的平均指标低于此值时移除一台服务器；默认 10，扩容阈值不超过 10 时为其一半',
  ],
  averagedOver: ['what is averaged over the servers', '在各服务器上取平均的指标'],
  above: ['above its threshold', '高于其阈值时'],
  below: ['below its threshold', '低于其阈值时'],
  step: [
    'what the change of a step means: servers to add, the exact number, or percent',
    '一步的变化的含义：增减的台数、确切的台数，或百分比',
  ],
  leastStep: ['servers that percent changes at least', '按百分比调整时至少改变的服务器台数'],
  notCounted: [
    'seconds from ready on in which a new server is not counted',
    '新服务器就绪之后不计入平均的秒数',
  ],
  keeps: ['the average it keeps', '要保持的平均值'],
  neverIn: ['never scales in', '从不缩容'],
  outAfter: ['seconds above the target before it scales out', '高于目标多少秒之后扩容'],
  inAfter: ['seconds below 90 % of the target before it scales in', '低于目标的 90 % 多少秒之后缩容'],
  aims: ['the average it aims for', '力求达到的平均值'],
  ratio: ['how far from 1 the ratio may be without a change', '比值偏离 1 多少以内不作改变'],
  behavior: ['behavior of this direction', '这一方向的行为'],
  overTime: ['what is averaged over time', '按时间取平均的指标'],
  mayHold: [
    'users, or how much else, that a server may hold',
    '一台服务器最多容纳的用户数（或其他指标的量）',
  ],
  aimedShare: ['share of the target that is aimed for', '力求达到目标的多大比例'],
  loadWindow: ['seconds over which the load is averaged', '对负载取平均的秒数'],
  windowShare: ['share of the stable window', '占平稳窗口的比例'],
  panics: ['times the ready servers, from which it panics', '达到就绪服务器数的多少倍时进入应急'],
  timesAtMost: ['times the ready servers, at most at once', '一次最多为就绪服务器数的多少倍'],
  dividesAtMost: ['divides the ready servers, at most at once', '一次最多减为就绪服务器数的几分之一'],
  byCron: ['servers from a time on, by cron expressions', '从某一时刻起的服务器数量，按 cron 表达式'],
  zone: ['IANA time zone of the entries', '时间表所用的 IANA 时区'],
  moment: [
    'the moment at which a simulated run is at 0 s, ISO 8601; a fleet that serves uses the time of day',
    '模拟运行的第 0 秒对应的时刻（ISO 8601）；提供服务的集群使用当前时间',
  ],
  held: ['what is held', '所容纳的指标'],
  oneHolds: ['users, or how much else, that one server holds', '一台服务器容纳的用户数（或其他指标的量）'],
  room: ['standard deviations of room above the load', '负载之上的余量，按标准差计'],
  forecast: ['what is forecast', '要预测的指标'],
  ahead: ['seconds it looks ahead', '向前预测的秒数'],
  level: ['smoothing of the level', '水平的平滑系数'],
  trend: ['smoothing of the trend', '趋势的平滑系数'],
  seasonal: ['smoothing of the season', '季节的平滑系数'],
  seasonLength: [
    'seconds of a season, 86400 for a day; no season by default',
    '一个季节的秒数，一天为 86400；默认没有季节',
  ],
  lookedBack: ['what is looked back at', '要回看的指标'],
  shouldHave: [
    'users, or how much else, that a server should have',
    '一台服务器应有的用户数（或其他指标的量）',
  ],
  samples: [
    'of the samples, that there are servers for; 1 is the highest',
    '为样本中多大的比例备有服务器；1 表示最高的样本',
  ],
  sampleLength: ['seconds that a sample is the average of', '一个样本是多少秒的平均'],
  back: ['seconds that it looks back', '向后回看的秒数'],
  keepsUsers: ['users per server that it keeps', '要保持的每台服务器用户数'],
  beforeHour: [
    'seconds before an hour at which its servers are launched',
    '在每个小时之前多少秒启动该小时的服务器',
  ],
  aboveShare: ['share of user-time that may be above capacity', '允许超出容量的用户时间比例'],
  holdsUsers: ['users that one server holds', '一台服务器容纳的用户数'],
  hourCost: ['what a server costs an hour', '一台服务器每小时的成本'],
  startCost: [
    'what a start costs beyond its time; default 7.5 minutes of a server',
    '一次启动在时间之外的成本；默认为一台服务器 7.5 分钟的成本',
  ],
  moveCost: [
    'what moving a user costs; default 7.5 minutes of a server for all the users it holds',
    '迁移一个用户的成本；默认：一台服务器容纳的全部用户合计为其 7.5 分钟的成本',
  ],
  launch: ['seconds from launch to ready; learned by default', '从启动到就绪的秒数；默认自行学习'],
  most: ['the most that any of these desires', '取其中要得最多的'],
  first: ['the first of these with sufficient data decides', '由其中第一个数据充足的决定'],
} as const)

/** What an option means. */
export const optionMeaning = (text: string, language: Language): string => meanings.translate(text, language)

/** The name of an option, in words. */
export const optionName = (words: string, language: Language): string =>
  (language === 'zh' && NAMES[words]) || words

/** A value that an option may have, for people. */
export const valueName = (value: string, language: Language): string =>
  (language === 'zh' && VALUES[value]) || value

const IN_WORDS = /^[a-z-]+( \(.+\)| of \[.+\])$/s
const NAME = new RegExp(
  `(?<=[([,;] ?)(${Object.keys(NAMES)
    .sort((a, b) => b.length - a.length)
    .join('|')})(?= )`,
  'g',
)
const VALUE = new RegExp(`(?<= )(${Object.keys(VALUES).join('|')})(?=[,;)\\]])`, 'g')

/** A policy in words, as `policyWords` makes them; any other text stays as it is. */
export function policyText(words: string, language: Language): string {
  if (language === 'en' || !IN_WORDS.test(words)) return words
  return words
    .replaceAll(NAME, (name) => optionName(name, language))
    .replaceAll(VALUE, (value) => valueName(value, language))
    .replaceAll(' of [', '：[')
}
