import { timerMs } from './timers.ts'

/**
 * Aborts after `ms`. `AbortSignal.timeout` takes whole milliseconds only, and where `AbortSignal.any` alone refers to it, it is
 * collected as garbage before it aborts anything (Node 20).
 */
export function timeoutSignal(ms: number): AbortSignal {
  const ending = new AbortController()
  const onTime = () => ending.abort(new DOMException('no answer in time', 'TimeoutError'))
  setTimeout(onTime, timerMs(ms)).unref()
  return ending.signal
}
