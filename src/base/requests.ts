import { timerMs } from './timers.ts'

/** How long a request may take, and what ends it earlier. */
export interface RequestOptions {
  /** Rejects the request with its reason when it is aborted. */
  signal?: AbortSignal | undefined
  /** Milliseconds after which the request rejects with a `TimeoutError`; `Infinity` waits for ever. */
  timeoutMs?: number | undefined
}

interface Pending<Answer> {
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: unknown) => void
}

export class TimeoutError extends Error {
  override readonly name = 'TimeoutError'
  readonly code = 'timeout'
}

/** Requests that wait for their answers, matched by id. Each settles exactly once: answered, rejected, timed out or aborted. */
export class Requests<Id, Answer> {
  readonly #pending = new Map<Id, Pending<Answer>>()

  /**
   * Waits for the answer to the request `id`, which `send` puts on the wire.
   * @throws what `send` throws; rejects with the signal's reason or a {@link TimeoutError}
   */
  ask(id: Id, send: () => void, { signal, timeoutMs = Infinity }: RequestOptions = {}): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) throw signal.reason
      if (this.#pending.has(id)) throw new Error(`a request with the id ${String(id)} is in flight already`)
      const onAbort = () => pending.reject(signal!.reason)
      const timer =
        timeoutMs === Infinity
          ? undefined
          : setTimeout(
              () => pending.reject(new TimeoutError(`no answer within ${timeoutMs} ms`)),
              timerMs(timeoutMs),
            )
      const settle = () => {
        this.#pending.delete(id)
        clearTimeout(timer)
        signal?.removeEventListener('abort', onAbort)
      }
      const pending: Pending<Answer> = {
        resolve: (answer) => {
          settle()
          resolve(answer)
        },
        reject: (error) => {
          settle()
          reject(error)
        },
      }
      this.#pending.set(id, pending)
      signal?.addEventListener('abort', onAbort)
      try {
        send()
      } catch (error) {
        pending.reject(error)
      }
    })
  }

  /** Resolves the request `id`; `false` when none with this id waits (any more). */
  answer(id: Id, answer: Answer): boolean {
    const pending = this.#pending.get(id)
    pending?.resolve(answer)
    return pending !== undefined
  }

  /** Rejects the request `id`; `false` when none with this id waits (any more). */
  reject(id: Id, error: unknown): boolean {
    const pending = this.#pending.get(id)
    pending?.reject(error)
    return pending !== undefined
  }

  /** Whether the request `id` still waits. */
  has(id: Id): boolean {
    return this.#pending.has(id)
  }

  /** Resolves everything that waits with the same answer. */
  answerAll(answer: Answer): void {
    for (const pending of [...this.#pending.values()]) pending.resolve(answer)
  }

  /** Rejects everything that waits: the other side is gone. */
  rejectAll(error: unknown): void {
    for (const pending of [...this.#pending.values()]) pending.reject(error)
  }

  /** Requests without an answer so far. */
  get size(): number {
    return this.#pending.size
  }
}
