/** What has been opened so far: closed in reverse, each once, also when another one fails to close. */
export class CloseStack {
  readonly #closers: (() => unknown)[] = []

  /** Keeps `resource` to be closed. Returns it. */
  use<T extends { close(): unknown }>(resource: T): T {
    this.defer(() => resource.close())
    return resource
  }

  /** Calls `close` when it is closed. */
  defer(close: () => unknown): void {
    this.#closers.push(close)
  }

  /** @throws what the first one that failed threw, once all are closed. */
  async close(): Promise<void> {
    const errors: unknown[] = []
    for (let next = this.#closers.pop(); next; next = this.#closers.pop()) {
      try {
        await next()
      } catch (error) {
        errors.push(error)
      }
    }
    if (errors.length > 0) throw errors[0]
  }
}
