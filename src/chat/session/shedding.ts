import { textFrame } from './frame.ts'

/** A `send` as clients write it, in this order and without escapes; any other is parsed before it is rejected. */
const SEND =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: names have none
  /^\{"type":"send","room":"([^"\\\x00-\x1f\x7f]{1,128})","id":"([^"\\\x00-\x1f\x7f]{1,64})",/
/** Bytes in which both names end. */
const HEAD_BYTES = 640

/**
 * The rejection of a message for overload, made from its bytes: parsing it would take the time that is missing for those which
 * were accepted. Nothing when it is no plain `send`.
 */
export function rejectionOfBytes(payload: Buffer, retryMs: number): Buffer | undefined {
  const names = SEND.exec(payload.toString('utf8', 0, Math.min(payload.length, HEAD_BYTES)))
  if (!names) return undefined
  return textFrame(
    `{"type":"rejected","id":"${names[2]}","request":"send","room":"${names[1]}","code":"overloaded","message":"${OVERLOADED}","retryMs":${retryMs}}`,
  )
}

export const OVERLOADED = 'too many messages are in flight'
