import { closeSync, fstatSync, ftruncateSync, openSync, readSync } from 'node:fs'
import type { ConcertinaError } from '../base/errors.ts'
import { cannotWrite, writeWhole } from './output-file.ts'

/** Bytes gathered before they are written. */
const CHUNK = 1 << 16
/** What is gathered is written after so long at the latest. */
const EVERY_MS = 1000

/** Opens a file to go on after its last whole line; what a crash left of one more is cut off. */
function openAtEnd(file: string): number {
  const descriptor = openSync(file, 'a+')
  const stat = fstatSync(descriptor)
  if (!stat.isFile()) return descriptor
  const chunk = Buffer.alloc(CHUNK)
  let end = stat.size
  for (let whole = -1; end > 0 && whole < 0; ) {
    const from = Math.max(0, end - CHUNK)
    whole = chunk.subarray(0, readSync(descriptor, chunk, 0, end - from, from)).lastIndexOf('\n')
    end = from + whole + 1
  }
  if (end < stat.size) ftruncateSync(descriptor, end)
  return descriptor
}

/** One JSON object a line, written as things happen. */
export class LineFile<T> {
  readonly #flag: string
  readonly #file: string
  readonly #descriptor: number
  readonly #timer: NodeJS.Timeout
  #text = ''
  #closed = false
  #error: ConcertinaError | undefined

  /**
   * @param flag that named it, for errors
   * @param goOn whether what the file has stays before what is written
   * @throws {ConcertinaError} FILE_ACCESS when the file cannot be written there.
   */
  constructor(flag: string, file: string, goOn = false) {
    this.#flag = flag
    this.#file = file
    try {
      this.#descriptor = goOn ? openAtEnd(file) : openSync(file, 'w')
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

  /** Once; @throws {ConcertinaError} FILE_ACCESS when lines could not be written. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
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
      console.error(`concertina: ${this.#error.message}; continuing without it`)
    }
  }
}
