import { type TraceContext, traceparentOf } from '../../telemetry/span.ts'
import { signedHeaders } from './signature.ts'

/**
 * Posts signed JSON.
 * @param trace what the request is a part of
 * @throws {Error} for anything but a status of 200 to 299.
 */
export async function post(
  url: string,
  secret: string,
  body: string,
  signal: AbortSignal,
  trace?: TraceContext,
): Promise<Response> {
  const headers = {
    ...signedHeaders(secret, body),
    ...(trace && { traceparent: traceparentOf(trace) }),
  }
  const response = await fetch(url, { method: 'POST', headers, redirect: 'error', body, signal })
  if (response.ok) return response
  await response.body?.cancel()
  throw new Error(`status ${response.status}`)
}
