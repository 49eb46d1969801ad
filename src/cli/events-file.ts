import { closeSync, openSync, renameSync, rmSync, statSync, writeSync } from 'node:fs'
import { ConcertinaError } from '../errors.ts'
import type { Decision } from '../scaling/decision.ts'

/** A decision log that appears under its name only when it is whole. */
export class EventsFile {
  readonly #file: string
  readonly #partial: string
  readonly #descriptor: number

  /** @throws {ConcertinaError} FILE_ACCESS when the file cannot be written there. */
  constructor(file: string) {
    this.#file = file
    this.#partial = `${file}.${process.pid}.partial`
    this.#descriptor = this.#or(() => {
      // Renaming onto a folder would fail only after the run.
      if (statSync(file, { throwIfNoEntry: false })?.isDirectory())
        throw Object.assign(new Error(), { code: 'EISDIR' })
      return openSync(this.#partial, 'wx')
    })
  }

  /** Writes the decisions, one JSON object a line, and puts the file in its place. */
  commit(decisions: readonly Decision[]): void {
    this.#or(() => {
      const text = Buffer.from(decisions.map((decision) => `${JSON.stringify(decision)}\n`).join(''))
      for (let at = 0; at < text.length; ) at += writeSync(this.#descriptor, text, at)
      closeSync(this.#descriptor)
      renameSync(this.#partial, this.#file)
    })
  }

  /** Leaves nothing behind. */
  discard(): void {
    rmSync(this.#partial, { force: true })
  }

  #or<T>(act: () => T): T {
    try {
      return act()
    } catch (error) {
      this.discard()
      const { code } = error as NodeJS.ErrnoException
      throw new ConcertinaError('FILE_ACCESS', `--events ${this.#file}: cannot be written (${code})`, {
        hint: 'a path in a folder that exists and can be written to, on a disk with room',
      })
    }
  }
}
