import { signedHeaders } from './signature.ts'

/** Posts signed JSON. @throws {Error} for anything but a status of 200 to 299. */
export async function post(
  url: string,
  secret: string,
  body: string,
  signal: AbortSignal,
): Promise<Response> {
  const headers = signedHeaders(secret, body)
  const response = await fetch(url, { method: 'POST', headers, redirect: 'error', body, signal })
  if (response.ok) return response
  await response.body?.cancel()
  throw new Error(`status ${response.status}`)
}
