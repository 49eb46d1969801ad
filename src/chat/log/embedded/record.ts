/**
 * A record on disk: `magic (4) | payload length (4) | CRC-32 of the payload (4) | payload`, big-endian. The magic lets a
 * reader find the next record behind a damaged one.
 */
export const RECORD_HEAD = 12
const MAGIC = 0x434c5247 // "CLRG"
const MAGIC_BYTES = Buffer.from('CLRG')
/** Longer payloads are taken for damage. */
export const MAX_PAYLOAD = 1 << 20

const TABLE = new Uint32Array(256).map((_, n) => {
  let c = n
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1
  return c
})

/** CRC-32 as in ISO 3309 and gzip. */
function crc32(data: Uint8Array): number {
  let c = 0xffffffff
  for (let i = 0; i < data.length; i++) c = TABLE[(c ^ data[i]!) & 255]! ^ (c >>> 8)
  return (c ^ 0xffffffff) >>> 0
}

export function encodeRecord(payload: Buffer): Buffer {
  const record = Buffer.allocUnsafe(RECORD_HEAD + payload.length)
  record.writeUInt32BE(MAGIC, 0)
  record.writeUInt32BE(payload.length, 4)
  record.writeUInt32BE(crc32(payload), 8)
  payload.copy(record, RECORD_HEAD)
  return record
}

/** The payload of the record at `offset`, or nothing when there is no whole and sound one. */
export function decodeRecord(data: Buffer, offset: number): Buffer | undefined {
  if (offset + RECORD_HEAD > data.length || data.readUInt32BE(offset) !== MAGIC) return undefined
  const length = data.readUInt32BE(offset + 4)
  const end = offset + RECORD_HEAD + length
  if (length > MAX_PAYLOAD || end > data.length) return undefined
  const payload = data.subarray(offset + RECORD_HEAD, end)
  return crc32(payload) === data.readUInt32BE(offset + 8) ? payload : undefined
}

interface ScannedRecord {
  readonly offset: number
  readonly payload: Buffer
}

/** What a segment holds. */
export interface Scan {
  readonly records: readonly ScannedRecord[]
  /** Stretches between sound records that hold none. */
  readonly damaged: readonly { from: number; to: number }[]
  /** Where the last sound record ends; what follows is a torn tail. */
  readonly end: number
}

/** Finds every sound record of a segment. */
export function scanRecords(data: Buffer): Scan {
  const records: ScannedRecord[] = []
  const damaged: { from: number; to: number }[] = []
  let end = 0
  for (let at = 0; at < data.length; ) {
    const payload = decodeRecord(data, at)
    if (payload) {
      if (at > end) damaged.push({ from: end, to: at })
      records.push({ offset: at, payload })
      at += RECORD_HEAD + payload.length
      end = at
    } else {
      const next = data.indexOf(MAGIC_BYTES, at + 1)
      at = next < 0 ? data.length : next
    }
  }
  return { records, damaged, end }
}
