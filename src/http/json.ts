import { isUtf8 } from 'node:buffer'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { z } from 'zod'
import { invalidInput } from '../base/errors.ts'
import { check } from '../base/options.ts'

/** Reads a request's body. @throws {ConcertinaError} INVALID_INPUT when it is longer than `maxBytes`, or no UTF-8. */
export async function readBody(request: IncomingMessage, maxBytes = 65_536): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  // Left undestroyed, so that a client that sends too much can be answered.
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    chunks.push(chunk)
    bytes += chunk.length
    if (bytes > maxBytes) throw invalidInput('body', 'it is too large', `at most ${maxBytes} bytes`)
  }
  const body = Buffer.concat(chunks)
  if (!isUtf8(body)) throw invalidInput('body', 'it is no text', 'UTF-8')
  return body.toString()
}

/** A body, checked by the schema. @throws {ConcertinaError} INVALID_INPUT that names the place. */
export function parseBody<T>(text: string, schema: z.ZodType<T>): T {
  let value: unknown
  try {
    value = JSON.parse(text)
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
