export class AnswerTooLong extends Error {}

/**
 * The text of an answer, without the mark that some put before UTF-8.
 * @throws {AnswerTooLong} when it is longer than `maxBytes`; nothing more is read then.
 */
export async function responseText(response: Response, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk)
    bytes += chunk.length
    if (bytes > maxBytes) throw new AnswerTooLong(`the answer is longer than ${maxBytes} bytes`)
  }
  return new TextDecoder().decode(Buffer.concat(chunks))
}
