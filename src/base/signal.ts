/**
 * Something that others can subscribe to. Listeners are independent of each other: none overwrites another, and one that
 * throws harms neither the others nor the emitter. A listener that is added or removed during `emit` counts from the next one.
 */
export class Signal<T> {
  #listeners: readonly ((value: T) => unknown)[] = []
  readonly #onError: (error: unknown) => void

  /** @param onError receives what a listener threw or rejected with; by default it is written to the console */
  constructor(onError: (error: unknown) => void = logListenerError) {
    this.#onError = onError
  }

  /** Calls `listener` with every value from now on. Returns the function that unsubscribes it; calling that twice is harmless. */
  subscribe(listener: (value: T) => unknown): () => void {
    // The same function may be subscribed twice: each subscription is one of its own.
    const own = (value: T) => listener(value)
    this.#listeners = [...this.#listeners, own]
    return () => {
      this.#listeners = this.#listeners.filter((each) => each !== own)
    }
  }

  emit(value: T): void {
    for (const listener of this.#listeners) {
      try {
        const returned = listener(value)
        if (returned instanceof Promise) returned.catch(this.#onError)
      } catch (error) {
        this.#onError(error)
      }
    }
  }

  /** How many listeners are subscribed. */
  get size(): number {
    return this.#listeners.length
  }
}

function logListenerError(error: unknown): void {
  console.error('a listener threw:', error)
}
