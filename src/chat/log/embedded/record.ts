import zlib from 'node:zlib'

/**
 * A record on disk: `magic (4) | payload length (4) | CRC-32 of the payload (4) | payload`, big-endian. The magic lets a
 * reader find the next record behind a damaged one.
 */
export const RECORD_HEAD = 12
const MAGIC = 0x434c5247 // "CLRG"
const MAGIC_BYTES = Buffer.from('CLRG')
/** Longer payloads count as damage. */
export const MAX_PAYLOAD = 1 << 20

const TABLE = new Uint32Array(256).map((_, n) => {
  let c = n
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1
  return c
})

function tableCrc32(data: Uint8Array): number {
  let c = 0xffffffff
  for (let i = 0; i < data.length; i++) c = TABLE[(c ^ data[i]!) & 255]! ^ (c >>> 8)
  return (c ^ 0xffffffff) >>> 0
}

/** CRC-32 as in ISO 3309 and gzip; Node has it from 20.15 and 22.2 on. */
export const crc32: (data: Uint8Array) => number =
  (zlib as { crc32?: (data: Uint8Array) => number }).crc32 ?? tableCrc32

/** Records one after another in one buffer, with the payload of each as a view of it. */
export function encodeRecords(texts: readonly string[]): { data: Buffer; payloads: Buffer[] } {
  let size = 0
  const lengths: number[] = []
  for (const text of texts) {
    const length = Buffer.byteLength(text)
    lengths.push(length)
    size += RECORD_HEAD + length
  }
  const data = Buffer.allocUnsafeSlow(size)
  const payloads: Buffer[] = []
  let at = 0
  for (let i = 0; i < texts.length; i++) {
    const length = lengths[i]!
    const from = at + RECORD_HEAD
    data.write(texts[i]!, from)
    const payload = data.subarray(from, from + length)
    data.writeUInt32BE(MAGIC, at)
    data.writeUInt32BE(length, at + 4)
    data.writeUInt32BE(crc32(payload), at + 8)
    payloads.push(payload)
    at = from + length
  }
  return { data, payloads }
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

/** What a scan found beside sound records. */
export interface ScanResult {
  /** Ranges between sound records that hold none. */
  readonly damaged: readonly { from: number; to: number }[]
  /** Where the last sound record ends; what follows is a torn tail. */
  readonly end: number
}

/** Passes every sound record of a segment to `onRecord`. */
export function scanRecords(data: Buffer, onRecord: (payload: Buffer, offset: number) => void): ScanResult {
  const damaged: { from: number; to: number }[] = []
  let end = 0
  for (let at = 0; at < data.length; ) {
    const payload = decodeRecord(data, at)
    if (payload) {
      if (at > end) damaged.push({ from: end, to: at })
      onRecord(payload, at)
      at += RECORD_HEAD + payload.length
      end = at
    } else {
      const next = data.indexOf(MAGIC_BYTES, at + 1)
      at = next < 0 ? data.length : next
    }
  }
  return { damaged, end }
}
