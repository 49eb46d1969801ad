/** Bytes that are looked at to see what a file is. */
const START = 4096

/** The encoding of a text, by its byte-order mark or where the zeros of UTF-16 are; nothing for what is not text. */
export function encodingOf(bytes: Buffer): 'utf-8' | 'utf-16le' | 'utf-16be' | undefined {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le'
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be'
  const start = bytes.subarray(0, START)
  if (!start.includes(0)) return 'utf-8'
  if (start.length % 2 > 0) return undefined
  const zerosAt = (odd: number) => start.filter((byte, i) => i % 2 === odd && byte === 0).length
  const [even, odd] = [zerosAt(0), zerosAt(1)]
  // Half of the characters of a table at least are digits and separators.
  if (odd > start.length / 4 && even === 0) return 'utf-16le'
  if (even > start.length / 4 && odd === 0) return 'utf-16be'
  return undefined
}

/** Control characters that no text has. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\0-\x08\x0e-\x1a\x1c-\x1f]/

/**
 * What programs write that know no Unicode: the code page of China, whose common characters have two bytes from A1 to FE with the
 * first below D8, else that of Western Europe; nothing for what is not text.
 */
export function decodeLegacy(bytes: Buffer): { text: string; encoding: string } | undefined {
  const start = bytes.toString('latin1', 0, START)
  if (CONTROL.test(start)) return undefined
  const chinese = [...start.matchAll(/[\x80-\xff]+/g)].every(([run]) =>
    /^(?:[\xa1-\xd7][\xa1-\xfe])*$/.test(run),
  )
  const encoding = chinese ? 'GBK' : 'Windows-1252'
  return { text: new TextDecoder(encoding).decode(bytes), encoding }
}
