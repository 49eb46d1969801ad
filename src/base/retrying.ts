import { pause } from './pause.ts'

const WAIT_MS = 200

interface RetryOptions {
  /** How long failures are followed by another attempt. */
  readonly seconds: number
  /** Whether a later attempt may succeed; by default it always may. */
  readonly isTransient?: (error: unknown) => boolean
  /** Ends the attempts early. */
  readonly signal?: AbortSignal
}

/** Attempts something until it succeeds. Rejects with the last failure, at once when no later attempt can succeed. */
export async function retrying<T>(attempt: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { seconds, isTransient = () => true, signal = new AbortController().signal } = options
  const until = performance.now() + seconds * 1000
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      if (signal.aborted || performance.now() > until || !isTransient(error)) throw error
      await pause(WAIT_MS, signal)
    }
  }
}
