import { ExpectedError } from './errors.ts'

/** Something that is opened when it is first needed; after a failure the next who needs it tries again. */
export class OnDemand<T extends { close(): unknown }> {
  readonly #open: () => Promise<T>
  #opening: Promise<T> | undefined
  #opened: T | undefined
  #closed = false

  constructor(open: () => Promise<T>) {
    this.#open = open
  }

  /** It, if it is open. */
  get opened(): T | undefined {
    return this.#opened
  }

  /** @throws what opening it throws, or that it was closed. */
  async get(): Promise<T> {
    if (this.#closed) throw new ExpectedError('it is closed')
    this.#opening ??= this.#begin()
    return this.#opening
  }

  async #begin(): Promise<T> {
    try {
      const opened = await this.#open()
      this.#opened = opened
      return opened
    } catch (error) {
      this.#opening = undefined
      throw error
    }
  }

  /** Closes it, also when it is just being opened. It cannot be opened again. */
  async close(): Promise<void> {
    this.#closed = true
    const opened = await this.#opening?.catch(() => undefined) // what failed has nothing to close
    await opened?.close()
  }
}
