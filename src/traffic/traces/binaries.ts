/** A file that is not text: what it is, and what to use instead. */
interface Binary {
  readonly what: string
  readonly instead: string
  is(bytes: Buffer): boolean
}

/** Since 3.12 Gatling's log begins with the record 0, which begins with its version: a length and characters. */
function isGatling(bytes: Buffer): boolean {
  if (bytes.length < 8 || bytes[0] !== 0) return false
  const length = bytes.readInt32BE(1)
  return length >= 3 && length <= 40 && /^\d+\.\d+[\w.+-]*$/.test(bytes.toString('latin1', 5, 5 + length))
}

const begins =
  (...start: readonly number[]) =>
  (bytes: Buffer) =>
    start.every((byte, i) => bytes[i] === byte)

const UNPACKED = 'the file unpacked, or packed by gzip'

/** Files without text that people have of their load. */
const BINARIES: readonly Binary[] = [
  {
    is: isGatling,
    what: 'the binary simulation.log of Gatling 3.12 or later',
    instead: 'js/all_sessions.js of the HTML report of the same run; a simulation.log up to Gatling 3.11',
  },
  {
    is: begins(0x50, 0x4b, 3, 4),
    what: 'an Excel workbook or a ZIP archive',
    instead: 'CSV: save as CSV, or unzip it',
  },
  { is: begins(0xd0, 0xcf, 0x11, 0xe0), what: 'an old Excel workbook', instead: 'CSV: save as CSV' },
  { is: begins(0x50, 0x41, 0x52, 0x31), what: 'a Parquet file', instead: 'CSV: export it as CSV' },
  {
    is: (bytes) => bytes.toString('latin1', 257, 262) === 'ustar',
    what: 'a tar archive',
    instead: 'a file out of it: tar -xf',
  },
  { is: begins(0x1f, 0x8b), what: 'packed by gzip twice', instead: UNPACKED },
  { is: begins(0x28, 0xb5, 0x2f, 0xfd), what: 'packed by zstd', instead: UNPACKED },
  { is: begins(0x42, 0x5a, 0x68), what: 'packed by bzip2', instead: UNPACKED },
  { is: begins(0xfd, 0x37, 0x7a, 0x58, 0x5a), what: 'packed by xz', instead: UNPACKED },
]

/** What a file without text is, where it is known. */
export const knownBinary = (bytes: Buffer) => BINARIES.find(({ is }) => is(bytes))
