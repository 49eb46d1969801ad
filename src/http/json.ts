import { isUtf8 } from 'node:buffer'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { z } from 'zod'
import { ConcertinaError, invalidInput } from '../base/errors.ts'
import { check } from '../base/options.ts'

/** A body, or a message in it, has more bytes than are taken. */
export class TooLarge extends ConcertinaError {
  constructor(wrong: string, maxBytes: number) {
    super('INVALID_INPUT', `body: ${wrong}`, { hint: `at most ${maxBytes} bytes`, where: 'body' })
  }
}

/** The status that says that a request is wrong. */
export const statusOf = (error: ConcertinaError): 400 | 413 => (error instanceof TooLarge ? 413 : 400)

/** Reads a request's body. @throws {TooLarge} or, when it is not UTF-8, {ConcertinaError} INVALID_INPUT. */
export async function readBody(request: IncomingMessage, maxBytes = 65_536): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  // Left undestroyed, so that a client that sends too much can be answered.
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    chunks.push(chunk)
    bytes += chunk.length
    if (bytes > maxBytes) throw new TooLarge('it is too large', maxBytes)
  }
  const body = Buffer.concat(chunks)
  if (!isUtf8(body)) throw invalidInput('body', 'it is not text', 'UTF-8')
  return body.toString()
}

/** A body, checked by the schema. @throws {ConcertinaError} INVALID_INPUT that names the place. */
export function parseBody<T>(text: string, schema: z.ZodType<T>): T {
  let value: unknown
  try {
    value = JSON.parse(text.replace(/^\ufeff/, ''))
  } catch {
    throw invalidInput('body', 'it is not JSON', 'see the OpenAPI description')
  }
  return check(schema, value, 'body')
}

/** Answers with JSON; without a body when there is nothing to say. */
export function sendJson(
  response: ServerResponse,
  status: number,
  body: object | undefined,
  headers: Record<string, string | number> = {},
): void {
  const text = body === undefined ? '' : JSON.stringify(body)
  response
    .writeHead(status, {
      'content-type': 'application/json; charset=utf-8',
      'content-length': Buffer.byteLength(text),
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      ...headers,
    })
    .end(text)
}
