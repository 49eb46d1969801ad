import type { Logger } from '../base/logger.ts'
import { onceAMinute } from '../base/once-a-minute.ts'

/** Why a connection was rejected, and with what status. */
export const REJECTIONS = {
  'rate-limited': '429 Too Many Requests',
  busy: '503 Service Unavailable',
  full: '503 Service Unavailable',
  'no-server': '503 Service Unavailable',
  origin: '403 Forbidden',
  'not-found': '404 Not Found',
  'bad-request': '400 Bad Request',
  'head-too-large': '431 Request Header Fields Too Large',
  'no-websocket': '426 Upgrade Required',
} as const
export type RejectionReason = keyof typeof REJECTIONS

/** What the operator may have to change. */
const ADVICE: Partial<Record<RejectionReason, string>> = {
  origin: 'pages of this origin may not connect; allow them with live.origins or --origin',
  'rate-limited': 'too many new connections of one address; behind a proxy set live.trustedProxies',
  full: 'every server has as many connections as it may have (live.limits.maxConnections, ulimit -n)',
  busy: 'too many connections at once for the descriptors of this process (ulimit -n)',
  'no-server': 'no server was ready',
}

/** Logs why connections are rejected: each reason, and each origin, once a minute. */
export function rejectionLogger(logger: Logger): (why: RejectionReason, detail?: string) => void {
  const isNew = onceAMinute()
  return (why, detail) => {
    const advice = ADVICE[why]
    if (advice === undefined) return
    const about =
      detail === undefined
        ? ''
        : `,${why === 'origin' ? ' origin' : ''} ${JSON.stringify(detail.slice(0, 200))}`
    if (!isNew(why + about)) return
    logger.warn(`Connection rejected (${REJECTIONS[why]})${about}: ${advice}`, { why, detail })
  }
}
