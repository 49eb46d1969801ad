import { closeSync, fstatSync, ftruncateSync, openSync, readSync, renameSync } from 'node:fs'
import type { ConcertinaError } from '../base/errors.ts'
import { cannotWrite, writeWhole } from './output-file.ts'

/** Bytes gathered before they are written. */
const CHUNK = 1 << 16
/** What is gathered is written after so long at the latest. */
const EVERY_MS = 1000

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
  #error: ConcertinaError | undefined

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

  /** Never throws: the run continues without the file, logs that once, and `close` throws. */
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
      this.#bytes += Buffer.byteLength(text)
      const { maxBytes = Number.POSITIVE_INFINITY } = this.#options
      if (this.#bytes >= maxBytes && !this.#closed) this.#beginAnother()
    } catch (error) {
      this.#error = cannotWrite(this.#flag, this.#file, error)
      console.error(`concertina: ${this.#error.message}; continuing without it`)
    }
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
