import { printable, rootMessage, shown } from '../base/errors.ts'
import { timeoutSignal } from '../base/timeout-signal.ts'
import { AnswerTooLong, responseText } from '../http/response-text.ts'

/** Why the chat did not do what was asked. */
export class ServerApiError extends Error {
  override readonly name = 'ServerApiError'
  /** Of the answer; 0 without one. */
  readonly status: number
  readonly code: string

  constructor(status: number, code: string, message: string) {
    super(printable(message))
    this.status = status
    this.code = code
  }
}

type Kind = 'text' | 'integer' | 'boolean' | 'list'
/** What an answer has at least. */
export type Shape<T> = { readonly [K in keyof T]?: Kind }

export interface ApiRequest<T> {
  readonly method: string
  readonly path: string
  readonly body?: Readonly<Record<string, unknown>> | undefined
  /** Absent where nothing is answered. */
  readonly shape?: Shape<T> | undefined
}

export interface ApiAddress {
  readonly url: string
  readonly key: string
  readonly timeoutMs: number
}

/** More than a page of the longest messages there may be. */
const MAX_ANSWER_BYTES = 64 * 2 ** 20

const IS: Record<Kind, (value: unknown) => boolean> = {
  text: (value) => typeof value === 'string',
  integer: Number.isSafeInteger,
  boolean: (value) => typeof value === 'boolean',
  list: Array.isArray,
}

/**
 * Sends one request, and checks that what answers is the server API.
 * @throws {ServerApiError} which repeats no key, whatever the other side sent
 */
export async function request<T>(address: ApiAddress, { method, path, body, shape }: ApiRequest<T>) {
  const { url, key, timeoutMs } = address
  const masked = (text: string) => text.replaceAll(key, '…')
  const failed = (status: number, code: string, message: string) =>
    new ServerApiError(status, code, masked(message))
  const late = timeoutSignal(timeoutMs)
  let response: Response | undefined
  let text: string
  try {
    response = await fetch(url + path, {
      method,
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      // Followed, it would be another request: GET in place of POST, or without the key.
      redirect: 'manual',
      signal: late,
      ...(body && { body: JSON.stringify(body) }),
    })
    text = await responseText(response, MAX_ANSWER_BYTES)
  } catch (error) {
    if (error instanceof AnswerTooLong)
      throw failed(response?.status ?? 0, 'UNEXPECTED', `${url}: ${error.message}`)
    const why = late.aborted ? `no answer within ${timeoutMs} ms` : rootMessage(error)
    throw failed(0, 'UNREACHABLE', `${url}: cannot be reached (${why})`)
  }
  const { status, ok } = response
  if (status === 204 && !shape) return undefined as T
  const answer = objectOf(text)
  if (ok && answer && shape && hasShape(answer, shape)) return answer as T
  const unexpected = (what: string) => failed(status, 'UNEXPECTED', `${url}: ${what} (status ${status})`)
  const location = response.headers.get('location')
  if (status >= 300 && status < 400 && location !== null)
    throw unexpected(`it redirects to ${shown(masked(location))}`)
  const { code, message, hint } = answer ?? {}
  if (ok || typeof code !== 'string' || typeof message !== 'string')
    throw unexpected('no answer of the server API')
  throw failed(
    status,
    shown(masked(code), false),
    typeof hint === 'string' ? `${message} (${hint})` : message,
  )
}

function objectOf(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

function hasShape<T>(answer: Record<string, unknown>, shape: Shape<T>): boolean {
  return Object.entries(shape).every(([name, kind]) => IS[kind as Kind](answer[name]))
}
