import { readFileSync } from 'node:fs'
import { ConcertinaError } from './errors.ts'
import { gunzip, isGzip } from './gzip.ts'
import { Phrases } from './phrases.ts'
import { decodeLegacy, encodingOf } from './text-encoding.ts'

/** What a text may have at most once it is unpacked, bytes. */
const MOST_BYTES = 500_000_000

/** Notes on a file that was read all the same. */
export const fileNotes = new Phrases({
  older: ['it is not valid UTF-8 and was read as {encoding}', '不是有效的 UTF-8，按 {encoding} 读取'],
  behind: ['{bytes} bytes behind the gzip data were left out', '略去 gzip 数据之后的 {bytes} 个字节'],
} as const)

const GZIP_ERRORS: Record<string, string> = {
  ERR_BUFFER_TOO_LARGE: 'it unpacks to more than 500 MB',
  Z_BUF_ERROR: 'the gzip data ends too early',
}

function unreadable(file: string, wrong: string, hint: string): ConcertinaError {
  return new ConcertinaError('FILE_ACCESS', `${file}: ${wrong}`, { hint })
}

/**
 * Reads a text file of a person: UTF-8, with a byte-order mark or without; UTF-16 with one; any of these packed by gzip.
 * @param hint what kind of file it should be
 * @param known what a file is that is not text, and what to use instead, where that can be seen
 * @param onNote gets what was left out or assumed; without it no other encoding is assumed
 * @throws {ConcertinaError} FILE_ACCESS when it cannot be read or is not text.
 */
export function readTextFile(
  file: string,
  hint: string,
  known: (bytes: Buffer) => { readonly what: string; readonly instead: string } | undefined = () => undefined,
  onNote?: (note: string) => void,
): string {
  let bytes: Buffer
  try {
    bytes = readFileSync(file)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw unreadable(file, code === 'ENOENT' ? 'there is no such file' : `cannot be read (${code})`, hint)
  }
  if (isGzip(bytes)) {
    try {
      const { content, leftOut } = gunzip(bytes, MOST_BYTES)
      bytes = content
      if (leftOut > 0) onNote?.(fileNotes.say('behind', { bytes: leftOut }))
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException
      throw unreadable(file, GZIP_ERRORS[code] ?? 'the gzip data is damaged', hint)
    }
  }
  if (bytes.length > MOST_BYTES) throw unreadable(file, 'it has more than 500 MB', hint)
  const noText = (wrong: string) => {
    const binary = known(bytes)
    return binary
      ? unreadable(file, `it is not text but ${binary.what}`, binary.instead)
      : unreadable(file, wrong, `${hint}, in UTF-8 or UTF-16`)
  }
  const encoding = encodingOf(bytes)
  if (encoding === undefined) throw noText('it is not text')
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes)
  } catch {
    const older = onNote && encoding === 'utf-8' && !known(bytes) ? decodeLegacy(bytes) : undefined
    if (!older) throw noText(`it is not valid ${encoding.toUpperCase()}`)
    onNote?.(fileNotes.say('older', { encoding: older.encoding }))
    return older.text
  }
}
