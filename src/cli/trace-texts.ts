import type { Catalogue } from '../base/language.ts'

const en = {
  colon: ': ',
  list: ', ',
  days: (count: string) => `${count} days`,
  hours: (count: string) => `${count} h`,
  minutes: (count: string) => `${count} min`,
  seconds: (count: string) => `${count} s`,
  // Before a result
  missingValues: (count: number) => `${count} values are missing and were left out`,
  bridged: (count: number, longest: string) =>
    `${count} ${count === 1 ? 'gap' : 'gaps'}, the longest ${longest}: a straight line is assumed there`,
  // What trace info prints
  format: 'Format',
  users: 'Users',
  points: 'Points',
  every: (count: number, step: string) => `${count}, one every ${step}`,
  from: 'From',
  to: 'To',
  until: (moment: string, duration: string) => `${moment} (${duration})`,
  figures: 'Min, median, p99, max',
  missing: 'Missing values',
  gaps: 'Gaps',
  none: 'none',
  gap: '  gap',
  between: (from: string, to: string, duration: string) => `${from} to ${to} (${duration})`,
  note: 'Note',
  noData: '· no data',
}

const zh: typeof en = {
  colon: '：',
  list: '，',
  days: (count) => `${count} 天`,
  hours: (count) => `${count} 小时`,
  minutes: (count) => `${count} 分钟`,
  seconds: (count) => `${count} 秒`,
  missingValues: (count) => `缺失 ${count} 个值，已略去`,
  bridged: (count, longest) => `${count} 处空缺，最长 ${longest}：其间按直线处理`,
  format: '格式',
  users: '用户',
  points: '点数',
  every: (count, step) => `${count}，每 ${step} 一个`,
  from: '从',
  to: '到',
  until: (moment, duration) => `${moment}（${duration}）`,
  figures: '最小、中位、p99、最大',
  missing: '缺失的值',
  gaps: '空缺',
  none: '无',
  gap: '  空缺',
  between: (from, to, duration) => `${from} 到 ${to}（${duration}）`,
  note: '说明',
  noData: '· 没有数据',
}

/** Texts about a trace. */
export const TRACE_TEXTS: Catalogue<typeof en> = { en, zh }
