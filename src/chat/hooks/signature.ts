import { createHmac, timingSafeEqual } from 'node:crypto'

const macOf = (secret: string, timestamp: string, body: string): Buffer =>
  createHmac('sha256', secret).update(`${timestamp}.${body}`).digest()

/** Headers that sign a request to an app: HMAC-SHA-256 over the timestamp, a dot and the body, in hex. */
export function signedHeaders(secret: string, body: string): Record<string, string> {
  const timestamp = String(Date.now())
  return {
    'content-type': 'application/json',
    'concertina-timestamp': timestamp,
    'concertina-signature': macOf(secret, timestamp, body).toString('hex'),
  }
}

/**
 * Whether a request of the chat is genuine.
 * @param headers the request's, as Node has them
 * @param body its body as it came
 * @param toleranceSeconds how old it may be; default five minutes
 */
export function verifySignature(
  secret: string,
  headers: Readonly<Record<string, string | string[] | undefined>>,
  body: string,
  toleranceSeconds = 300,
): boolean {
  const timestamp = headers['concertina-timestamp']
  const signature = headers['concertina-signature']
  if (typeof timestamp !== 'string' || typeof signature !== 'string') return false
  if (!/^\d{1,15}$/.test(timestamp) || !/^[0-9a-f]{64}$/.test(signature)) return false
  if (Math.abs(Date.now() - Number(timestamp)) > toleranceSeconds * 1000) return false
  return timingSafeEqual(macOf(secret, timestamp, body), Buffer.from(signature, 'hex'))
}
