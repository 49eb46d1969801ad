/** What came of the first bytes of a connection that begins with a PROXY header (HAProxy's PROXY protocol, versions 1 and 2). */
export type ParsedProxy =
  | { kind: 'incomplete' }
  | { kind: 'bad' }
  /** `address` is the client's; absent when the proxy speaks for itself, as in its health checks. */
  | { kind: 'proxy'; address: string | undefined; length: number }

const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')
const V1_MOST = 107
const V1 = /^PROXY (?:UNKNOWN[^\r]*|TCP[46] ([0-9a-fA-F:.]+) [0-9a-fA-F:.]+ \d{1,5} \d{1,5})$/
const V2_HEAD = 16
const V2_MOST = 4096

/** Reads a PROXY header, of either version. */
export function parseProxy(bytes: Buffer): ParsedProxy {
  if (bytes.length === 0) return { kind: 'incomplete' }
  return bytes[0] === SIGNATURE[0] ? parseV2(bytes) : parseV1(bytes)
}

function parseV1(bytes: Buffer): ParsedProxy {
  const end = bytes.indexOf('\r\n')
  if (end < 0) {
    const begins = 'PROXY '.startsWith(bytes.toString('latin1', 0, 6))
    return begins && bytes.length <= V1_MOST ? { kind: 'incomplete' } : { kind: 'bad' }
  }
  const match = end <= V1_MOST ? V1.exec(bytes.toString('latin1', 0, end)) : null
  return match ? { kind: 'proxy', address: match[1], length: end + 2 } : { kind: 'bad' }
}

function parseV2(bytes: Buffer): ParsedProxy {
  const seen = Math.min(bytes.length, SIGNATURE.length)
  if (!bytes.subarray(0, seen).equals(SIGNATURE.subarray(0, seen))) return { kind: 'bad' }
  if (bytes.length < V2_HEAD) return { kind: 'incomplete' }
  const command = bytes[12]!
  const family = bytes[13]! >> 4
  const size = bytes.readUInt16BE(14)
  if (command >> 4 !== 2 || (command & 15) > 1 || size > V2_MOST) return { kind: 'bad' }
  const length = V2_HEAD + size
  if (bytes.length < length) return { kind: 'incomplete' }
  const local = (command & 15) === 0
  if (!local && ((family === 1 && size < 12) || (family === 2 && size < 36))) return { kind: 'bad' }
  const source = bytes.subarray(V2_HEAD, V2_HEAD + (family === 2 ? 16 : 4))
  const address = local
    ? undefined
    : family === 1
      ? source.join('.')
      : family === 2
        ? ipv6(source)
        : undefined
  return { kind: 'proxy', address, length }
}

function ipv6(bytes: Buffer): string {
  return Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(2 * i).toString(16)).join(':')
}
