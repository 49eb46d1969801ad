import { pause } from '../../../base/pause.ts'
import { isTransient } from './group.ts'

const RETRY_MS = 1000
export const MAX_BACKOFF_SECONDS = 60

/** Makes a call until it succeeds, later and later, unless AWS rejects it for good. Resolves whether it did. */
export type Retry = (what: string, call: () => Promise<void>) => Promise<boolean>

/** @param onProblem receives why a call failed, each time */
export function retryUntil(signal: AbortSignal, onProblem: (reason: string) => void): Retry {
  return async (what, call) => {
    for (let wait = RETRY_MS; !signal.aborted; wait = Math.min(wait * 2, MAX_BACKOFF_SECONDS * 1000)) {
      try {
        await call()
        return true
      } catch (error) {
        onProblem(`${what}: ${(error as Error).message}`)
        if (!isTransient(error)) return false
        await pause(wait * (0.5 + Math.random() / 2), signal)
      }
    }
    return false
  }
}
