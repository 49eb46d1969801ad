import { randomInt, randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { requireFile } from '../../../base/plain-file.ts'
import type { IdHash } from '../recent-ids.ts'
import { crc32 } from './record.ts'

/** Places of one term; there is room for 131,072 terms. */
export const TERM_PLACES = 2 ** 36

/** What the log knows of itself beside the messages: `meta.json`. */
export interface LogMeta {
  readonly version: 2
  readonly epoch: string
  /**
   * Rises with every start after which a place might otherwise be given twice: places of a term are above
   * `term · 2³⁶`, whatever became of the messages before.
   */
  readonly term: number
  /** Of the hashes in the segments' indexes. */
  readonly seed: IdHash
  /** The oldest segment that belongs to the log, and the newest that was begun. */
  readonly first: number
  readonly last: number
  /** Places up to here may have been given in rooms of which nothing is left. */
  readonly floor: number
  /** Segments that were found missing and reported. */
  readonly missing?: readonly number[] | undefined
  /** Written by a clean stop, gone when a message is written: the size of the last segment. */
  readonly clean?: { readonly size: number } | undefined
}

export const META = 'meta.json'

export function newMeta(): LogMeta {
  const random = () => randomInt(2 ** 32) | 0
  return {
    version: 2,
    epoch: randomUUID(),
    term: 0,
    seed: { high: random(), low: random() },
    first: 1,
    last: 0,
    floor: 0,
  }
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0

/** What is to be in place of a part of the log that is not a file. */
export const LOG_FILE =
  'the file of the room log that was there, or nothing of that name: what was in it is lost then'

/** With a checksum: one digit of `first` or `floor` that changed would lose messages, or give places again. */
export function encodeMeta(meta: LogMeta): string {
  const text = JSON.stringify(meta)
  return `${text.slice(0, -1)},"check":${crc32(Buffer.from(text))}}\n`
}

/** Reads `meta.json`; `damaged` when it is there and says nothing that can be used. */
export function readMeta(folder: string): LogMeta | 'missing' | 'damaged' {
  const file = join(folder, META)
  let text: string
  try {
    requireFile(file, LOG_FILE)
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'missing'
    throw error
  }
  try {
    const { check, ...meta } = JSON.parse(text) as Partial<Omit<LogMeta, 'version'>> & {
      version?: number
      check?: number
    }
    if (check !== undefined && check !== crc32(Buffer.from(JSON.stringify(meta)))) return 'damaged'
    if (typeof meta.epoch !== 'string' || meta.epoch === '') return 'damaged'
    // Version 1 had no more than the epoch.
    if (meta.version === 1) return { ...newMeta(), epoch: meta.epoch }
    const { term, seed, first, last, floor } = meta
    const whole = [term, first, last, floor].every(isCount) && seed !== undefined
    return whole && meta.version === 2 && Number.isInteger(seed.high) && Number.isInteger(seed.low)
      ? (meta as LogMeta)
      : 'damaged'
  } catch {
    return 'damaged'
  }
}
