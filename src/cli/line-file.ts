import { closeSync, fstatSync, ftruncateSync, openSync, readSync, renameSync } from 'node:fs'
import type { ConcertinaError } from '../base/errors.ts'
import { cannotWrite, writeWhole } from './output-file.ts'

/** Bytes gathered before they are written. */
const CHUNK = 1 << 16
/** What is gathered is written after so long at the latest, and tried again after so long. */
const EVERY_MS = 1000
/** Characters kept while the file cannot be written; what comes then is missing. */
const MOST_KEPT = 1 << 20

/** Opens a file to continue after its last whole line; what a crash left of one more is cut off. */
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

interface LineFileOptions<T> {
  /** Whether what the file has stays before what is written. */
  append?: boolean
  /**
   * Bytes after which the file is put aside as `FILE.1`, in place of the one before, and a new one is started. What is not a regular
   * file is never put aside.
   */
  maxBytes?: number
  /** The first line of a file that was started because the one before was full. */
  head?: () => T
}

/** One JSON object a line, written as things happen. */
export class LineFile<T> {
  readonly #flag: string
  readonly #file: string
  readonly #options: LineFileOptions<T>
  #descriptor: number
  /** Bytes in the file; minus infinity where it is not a regular file. */
  #bytes: number
  readonly #timer: NodeJS.Timeout
  #text = ''
  #closed = false
  /** Why it cannot be written now. */
  #error: ConcertinaError | undefined
  /** Lines that the file will not have. */
  #missing = 0

  /**
   * @param flag that named it, for errors
   * @throws {ConcertinaError} FILE_ACCESS when the file cannot be written there.
   */
  constructor(flag: string, file: string, options: LineFileOptions<T> = {}) {
    this.#flag = flag
    this.#file = file
    this.#options = options
    try {
      this.#descriptor = options.append ? openAtEnd(file) : openSync(file, 'w')
      const stat = fstatSync(this.#descriptor)
      this.#bytes = stat.isFile() ? stat.size : Number.NEGATIVE_INFINITY
    } catch (error) {
      throw cannotWrite(flag, file, error)
    }
    this.#timer = setInterval(() => this.#write(), EVERY_MS)
    this.#timer.unref()
  }

  /** Never throws: the run continues while the file cannot be written, and says so once. */
  readonly write = (line: T): void => {
    if (this.#text.length > MOST_KEPT) {
      this.#missing++
      return
    }
    this.#text += `${JSON.stringify(line)}\n`
    if (this.#text.length > CHUNK && this.#error === undefined) this.#write()
  }

  /** Once; @throws {ConcertinaError} FILE_ACCESS when lines could not be written at the end. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    clearInterval(this.#timer)
    this.#write()
    closeSync(this.#descriptor)
    if (this.#error !== undefined) throw this.#error
  }

  #write(): void {
    if (this.#text === '') return
    try {
      writeWhole(this.#descriptor, this.#text)
      this.#bytes += Buffer.byteLength(this.#text)
      this.#text = ''
      const { maxBytes = Number.POSITIVE_INFINITY } = this.#options
      if (this.#bytes >= maxBytes && !this.#closed) this.#beginAnother()
      if (this.#error !== undefined) this.#continued()
    } catch (error) {
      this.#failed(error)
    }
  }

  #failed(error: unknown): void {
    try {
      if (this.#bytes >= 0)
        ftruncateSync(this.#descriptor, this.#bytes) // of what did not fit
      else this.#text = ''
    } catch {
      // The next attempt may do it.
    }
    if (this.#error === undefined)
      console.error(
        `concertina: ${cannotWrite(this.#flag, this.#file, error).message}; continuing without it`,
      )
    this.#error = cannotWrite(this.#flag, this.#file, error)
  }

  #continued(): void {
    const missing = this.#missing > 0 ? `; ${this.#missing} lines are missing` : ''
    console.error(`concertina: ${this.#flag} ${this.#file}: is written again${missing}`)
    this.#error = undefined
    this.#missing = 0
  }

  #beginAnother(): void {
    renameSync(this.#file, `${this.#file}.1`)
    const full = this.#descriptor
    this.#descriptor = openSync(this.#file, 'w')
    closeSync(full)
    const { head } = this.#options
    this.#text = head ? `${JSON.stringify(head())}\n` : ''
    this.#bytes = 0
  }
}
