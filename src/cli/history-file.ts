import { closeSync, openSync } from 'node:fs'
import type { HistoryEvent } from '../chat/history/events.ts'
import { cannotWrite, writeWhole } from './output-file.ts'

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
    const text = this.#text
    this.#text = ''
    this.#or(() => writeWhole(this.#descriptor, text))
  }

  #or<T>(act: () => T): T {
    try {
      return act()
    } catch (error) {
      throw cannotWrite('--history', this.#file, error)
    }
  }
}
