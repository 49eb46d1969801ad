import { Phrases } from '../base/phrases.ts'

/** How load patterns describe themselves; what is made of several comes before what it is made of. */
export const patternWords = new Phrases({
  inTurn: ['<first>, then <next>', '{first}，然后 {next}'],
  plus: ['<one> plus <other>', '{one} 加上 {other}'],
  inARow: ['{times} times in a row: <pattern>', '连续 {times} 次：{pattern}'],
  fastScaled: [
    'trace <file>, {speed} times as fast, times {scale}',
    '记录 {file}，{speed} 倍速，乘以 {scale}',
  ],
  fast: ['trace <file>, {speed} times as fast', '记录 {file}，{speed} 倍速'],
  scaledTrace: ['trace <file>, times {scale}', '记录 {file}，乘以 {scale}'],
  trace: ['trace <file>', '记录 {file}'],
  scaled: ['{factor} times <pattern>', '{factor} 倍的 {pattern}'],
  clamped: ['<pattern>, from {min} to {max} users', '{pattern}，限于 {min} 到 {max} 个用户'],
  jitter: ['<pattern>, ± {percent} %', '{pattern}，± {percent} %'],
  diurnal: ['diurnal, {mean} ± {amplitude} users', '昼夜变化，{mean} ± {amplitude} 个用户'],
  threePhase: ['three-phase, {base} to {peak} users', '三个阶段，{base} 到 {peak} 个用户'],
  ramp: ['ramp, {from} to {to} users', '斜坡，{from} 到 {to} 个用户'],
  spike: ['spike, {base} to {peak} users at {at} s', '尖峰，第 {at} 秒从 {base} 到 {peak} 个用户'],
  custom: ['a function of progress', '关于进度的函数'],
  expression: ['users = <expression>', '用户数 = {expression}'],
  steps: ['{count} steps', '{count} 级阶梯'],
  constant: ['{users} users', '{users} 个用户'],
} as const)
