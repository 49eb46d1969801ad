import { Phrases } from '../base/phrases.ts'

/** Why servers failed, as far as we say it; what a platform or a program says stays as it is. */
export const failureWords = new Phrases({
  notReadyBecause: ['not ready for {seconds} s: <why>', '{seconds} 秒未就绪：{why}'],
  notReady: ['not ready within {seconds} s', '{seconds} 秒内未就绪'],
  noHeartbeat: ['no heartbeat for {seconds} s', '{seconds} 秒没有心跳'],
  killedBySaying: ['killed by {signal}: <output>', '被 {signal} 终止：{output}'],
  killedBy: ['killed by {signal}', '被 {signal} 终止'],
  exitedSaying: ['exited with status {code}: <output>', '以状态 {code} 退出：{output}'],
  exited: ['exited with status {code}', '以状态 {code} 退出'],
  killed: ['killed', '被终止'],
  instanceGone: ['the instance is gone', '实例已不存在'],
  podDeleted: ['the pod was deleted', 'Pod 已被删除'],
  noStatus: ['no status any more', '不再报告状态'],
  noReason: ['no reason given', '未说明原因'],
} as const)

/** How a process ended. */
export function howItEnded(code: number | null, signal: string | null): string {
  return signal ? failureWords.say('killedBy', { signal }) : failureWords.say('exited', { code: code ?? '?' })
}
