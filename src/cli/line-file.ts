import { closeSync, openSync } from 'node:fs'
import type { ConcertinaError } from '../errors.ts'
import { cannotWrite, writeWhole } from './output-file.ts'

/** Bytes gathered before they are written. */
const CHUNK = 1 << 16
/** What is gathered is written after so long at the latest. */
const EVERY_MS = 1000

/** One JSON object a line, written as things happen. */
export class LineFile<T> {
  readonly #flag: string
  readonly #file: string
  readonly #descriptor: number
  readonly #timer: NodeJS.Timeout
  #text = ''
  #error: ConcertinaError | undefined

  /**
   * @param flag that named it, for errors
   * @throws {ConcertinaError} FILE_ACCESS when the file cannot be written there.
   */
  constructor(flag: string, file: string) {
    this.#flag = flag
    this.#file = file
    try {
      this.#descriptor = openSync(file, 'w')
    } catch (error) {
      throw cannotWrite(flag, file, error)
    }
    this.#timer = setInterval(() => this.#write(), EVERY_MS)
    this.#timer.unref()
  }

  /** Never throws: what is going on goes on without the file, says so once, and `close` throws. */
  readonly take = (line: T): void => {
    if (this.#error !== undefined) return
    this.#text += `${JSON.stringify(line)}\n`
    if (this.#text.length > CHUNK) this.#write()
  }

  /** @throws {ConcertinaError} FILE_ACCESS when lines could not be written. */
  close(): void {
    clearInterval(this.#timer)
    this.#write()
    closeSync(this.#descriptor)
    if (this.#error !== undefined) throw this.#error
  }

  #write(): void {
    const text = this.#text
    this.#text = ''
    if (this.#error !== undefined) return
    try {
      writeWhole(this.#descriptor, text)
    } catch (error) {
      this.#error = cannotWrite(this.#flag, this.#file, error)
      console.error(`concertina: ${this.#error.message}; it goes on without this file`)
    }
  }
}
