import { gunzipSync, type InputType, inflateRawSync, type ZlibOptions } from 'node:zlib'

/** With `info`, what Node.js gives instead of the content; `bytesWritten` are the bytes that it took. */
const inflateWithInfo = inflateRawSync as unknown as (
  data: InputType,
  options: ZlibOptions & { info: true },
) => { engine: { bytesWritten: number } }

/** Whether these bytes begin as gzip data does, or the next member of it. */
export const isGzip = (bytes: Buffer) => bytes[0] === 0x1f && bytes[1] === 0x8b

const FLAGS = { checksum: 2, extra: 4, name: 8, comment: 16 }
const FIXED_HEADER = 10
/** Checksum and length, behind the content. */
const TRAILER = 8

/** Bytes of the header of a member (RFC 1952). */
function headerLength(member: Buffer): number {
  const flags = member[3] ?? 0
  let at = FIXED_HEADER
  if (flags & FLAGS.extra) at += 2 + member.readUInt16LE(at)
  for (const text of [FLAGS.name, FLAGS.comment]) if (flags & text) at = member.indexOf(0, at) + 1
  return flags & FLAGS.checksum ? at + 2 : at
}

/** Bytes of all members of gzip data, without what follows the last one; throws when one of them cannot be unpacked. */
function membersLength(bytes: Buffer, maxOutputLength: number): number {
  let at = 0
  for (let rest = bytes; isGzip(rest); rest = bytes.subarray(at)) {
    const header = headerLength(rest)
    const { engine } = inflateWithInfo(rest.subarray(header), { info: true, maxOutputLength })
    at += header + engine.bytesWritten + TRAILER
  }
  return at
}

/**
 * The content of gzip data. What follows the last member is left out, as `gzip -d` does.
 * @throws as `node:zlib` does, for data that is damaged, ends too early, or unpacks to more than `maxOutputLength` bytes.
 */
export function gunzip(bytes: Buffer, maxOutputLength: number): { content: Buffer; leftOut: number } {
  try {
    return { content: gunzipSync(bytes, { maxOutputLength }), leftOut: 0 }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'Z_DATA_ERROR') throw error
    try {
      const end = membersLength(bytes, maxOutputLength)
      const content = gunzipSync(bytes.subarray(0, end), { maxOutputLength })
      return { content, leftOut: bytes.length - end }
    } catch {
      throw error
    }
  }
}
