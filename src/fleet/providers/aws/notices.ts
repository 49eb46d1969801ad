import { rootMessage } from '../../../base/errors.ts'
import { pause } from '../../../base/pause.ts'
import { timeoutSignal } from '../../../base/timeout-signal.ts'

interface NoticeOptions {
  signal: AbortSignal
  /** Called with each notice, once: that the instance ends, or that it probably will. */
  onNotice: (reason: string) => void
  /** Called when notices cannot be read, and with another reason only; it is retried. */
  onProblem: (reason: string) => void
  /** Where the metadata of the instance is; default AWS_EC2_METADATA_SERVICE_ENDPOINT, or the address that it has on EC2. */
  endpoint?: string | undefined
}

/** AWS advises to look every 5 s: an interruption is announced two minutes before. */
const LOOK_MS = 5000
const TIMEOUT_MS = 2000
const TOKEN_SECONDS = 21_600

/**
 * Looks, until `signal` aborts, for what EC2 announces to an instance about its own end: the interruption of a spot instance, and the
 * recommendation to replace one whose interruption is likely.
 */
export async function watchNotices({ signal, onNotice, onProblem, endpoint }: NoticeOptions): Promise<void> {
  const base = endpoint ?? process.env.AWS_EC2_METADATA_SERVICE_ENDPOINT ?? 'http://169.254.169.254'
  let token: string | undefined
  const ask = (path: string, init: RequestInit) =>
    fetch(`${base}/latest/${path}`, {
      ...init,
      signal: AbortSignal.any([signal, timeoutSignal(TIMEOUT_MS)]),
    })
  const newToken = async () => {
    const headers = { 'x-aws-ec2-metadata-token-ttl-seconds': String(TOKEN_SECONDS) }
    const response = await ask('api/token', { method: 'PUT', headers })
    if (!response.ok) throw new Error(`no token: HTTP ${response.status}`)
    return response.text()
  }
  /** What is there; undefined while there is nothing. */
  const read = async (path: string): Promise<Record<string, unknown> | undefined> => {
    token ??= await newToken()
    const response = await ask(`meta-data/${path}`, { headers: { 'x-aws-ec2-metadata-token': token } })
    if (response.ok) return (await response.json()) as Record<string, unknown>
    await response.body?.cancel()
    if (response.status === 404) return undefined
    if (response.status === 401) token = undefined
    throw new Error(`${path}: HTTP ${response.status}`)
  }
  const look = async (): Promise<string | undefined> => {
    const action = await read('spot/instance-action')
    if (action) return `AWS will ${action.action} this spot instance at ${action.time}`
    const rebalance = await read('events/recommendations/rebalance')
    return rebalance && `AWS has recommended since ${rebalance.noticeTime} to replace this instance`
  }

  let notice: string | undefined
  let problem: string | undefined
  while (!signal.aborted) {
    try {
      const now = await look()
      problem = undefined
      if (now !== undefined && now !== notice) onNotice(now)
      notice = now
    } catch (error) {
      const reason = rootMessage(error)
      if (!signal.aborted && reason !== problem) onProblem(reason)
      problem = reason
    }
    await pause(LOOK_MS, signal)
  }
}
