/** The text of an answer. @throws {Error} when it is longer than `maxBytes`; nothing more is read then. */
export async function responseText(response: Response, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk)
    bytes += chunk.length
    if (bytes > maxBytes) throw new Error(`the answer is longer than ${maxBytes} bytes`)
  }
  return Buffer.concat(chunks).toString()
}
