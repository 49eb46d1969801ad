import { closeSync, openSync, renameSync, rmSync, statSync, writeSync } from 'node:fs'
import { ConcertinaError } from '../base/errors.ts'

/** The error of a file that a flag named and that cannot be written. */
export function cannotWrite(flag: string, file: string, error: unknown): ConcertinaError {
  const { code } = error as NodeJS.ErrnoException
  return new ConcertinaError('FILE_ACCESS', `${flag} ${file}: cannot be written (${code})`, {
    hint: 'a path in a folder that exists and can be written to, on a disk with room',
  })
}

/** Writes all of the text, however often that takes. */
export function writeWhole(descriptor: number, text: string): void {
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at)
}

/** A file that appears under its name only when it is complete. What is not a file, such as a pipe or `/dev/stdout`, is written to as it is. */
export class OutputFile {
  readonly #flag: string
  readonly #file: string
  /** Its name until it is complete; nothing for what is not a file. */
  #partial: string | undefined
  readonly #descriptor: number

  /**
   * @param flag that named it, for errors
   * @throws {ConcertinaError} FILE_ACCESS when the file cannot be written there.
   */
  constructor(flag: string, file: string) {
    this.#flag = flag
    this.#file = file
    const partial = `${file}.${process.pid}.partial`
    this.#descriptor = this.#or(() => {
      const there = statSync(file, { throwIfNoEntry: false })
      // A folder is rejected here: renaming onto it would fail only after the run.
      if (there && !there.isFile()) return openSync(file, 'w')
      const descriptor = openSync(partial, 'wx')
      this.#partial = partial
      return descriptor
    })
  }

  /** Writes the text, and puts the file in its place. */
  commit(text: string): void {
    this.#or(() => {
      writeWhole(this.#descriptor, text)
      closeSync(this.#descriptor)
      if (this.#partial !== undefined) renameSync(this.#partial, this.#file)
    })
  }

  /** Leaves nothing behind. */
  discard(): void {
    if (this.#partial !== undefined) rmSync(this.#partial, { force: true })
  }

  #or<T>(act: () => T): T {
    try {
      return act()
    } catch (error) {
      this.discard()
      throw cannotWrite(this.#flag, this.#file, error)
    }
  }
}

/** The files that a command writes: when one cannot be made, or the command fails, none of them is left. */
export class OutputFiles {
  readonly #opened: { discard(): void }[] = []

  /**
   * Opens the file that a flag named, if it did.
   * @throws {ConcertinaError} FILE_ACCESS from `open`.
   */
  open<F extends { discard(): void }>(file: string | undefined, open: (file: string) => F): F | undefined {
    if (file === undefined) return undefined
    try {
      const opened = open(file)
      this.#opened.push(opened)
      return opened
    } catch (error) {
      this.discard()
      throw error
    }
  }

  discard(): void {
    for (const each of this.#opened) each.discard()
  }
}
