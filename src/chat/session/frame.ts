/** A text frame of a WebSocket server (RFC 6455, section 5.2): final, unmasked, in one piece. */
export function textFrame(payload: Uint8Array | string): Buffer {
  const length = typeof payload === 'string' ? Buffer.byteLength(payload) : payload.length
  const head = length < 126 ? 2 : length < 65536 ? 4 : 10
  const frame = Buffer.allocUnsafe(head + length)
  frame[0] = 0x81
  if (head === 2) {
    frame[1] = length
  } else if (head === 4) {
    frame[1] = 126
    frame.writeUInt16BE(length, 2)
  } else {
    frame[1] = 127
    frame.writeUIntBE(0, 2, 2)
    frame.writeUIntBE(length, 4, 6)
  }
  if (typeof payload === 'string') frame.write(payload, head)
  else frame.set(payload, head)
  return frame
}
