import { closeSync, openSync, writeSync } from 'node:fs'
import type { HistoryEvent } from '../chat/history/events.ts'
import { ConcertinaError } from '../errors.ts'

/** Bytes gathered before they are written. */
const CHUNK = 1 << 16

/** What virtual users did and saw, one JSON object a line, written as it happens. */
export class HistoryFile {
  readonly #file: string
  readonly #descriptor: number
  #text = ''

  /** @throws {ConcertinaError} FILE_ACCESS when the file cannot be written there. */
  constructor(file: string) {
    this.#file = file
    this.#descriptor = this.#or(() => openSync(file, 'w'))
  }

  readonly take = (event: HistoryEvent): void => {
    this.#text += `${JSON.stringify(event)}\n`
    if (this.#text.length > CHUNK) this.#write()
  }

  close(): void {
    this.#write()
    closeSync(this.#descriptor)
  }

  #write(): void {
    const bytes = Buffer.from(this.#text)
    this.#text = ''
    this.#or(() => {
      for (let at = 0; at < bytes.length; ) at += writeSync(this.#descriptor, bytes, at)
    })
  }

  #or<T>(act: () => T): T {
    try {
      return act()
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      throw new ConcertinaError('FILE_ACCESS', `--history ${this.#file}: cannot be written (${code})`, {
        hint: 'a path in a folder that exists and can be written to, on a disk with room',
      })
    }
  }
}
