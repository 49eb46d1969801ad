import { readFileSync } from 'node:fs'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { z } from 'zod'
import { ConcertinaError, invalidInput, shown, withoutUser } from '../base/errors.ts'
import { option, optionSet, seconds } from '../base/options.ts'
import { timeoutSignal } from '../base/timeout-signal.ts'
import type { LoadReading, LoadSource } from './load-source.ts'

/** When the load counts as missing. */
export const prometheusOptions = optionSet({
  maxAge: option(seconds, 'seconds; a sample older than this is missing', 60),
  timeoutSeconds: option(seconds, 'seconds until a query without an answer has failed', 5),
})

export interface PrometheusOptions {
  /** Of the server, such as `http://prometheus:9090`; a path before `/api/v1` is kept. */
  url: string
  /** PromQL whose result is one number: a scalar, or a vector of one element. */
  query: string
  /** Sent as `Authorization: Bearer`; `@file` is read at every query, as tokens rotate. */
  bearerToken?: string | undefined
  /** File of the certificate authority, where it is none of the system's. */
  caFile?: string | undefined
  certFile?: string | undefined
  keyFile?: string | undefined
  /** A series without a sample for as long is missing; default 60. Prometheus before 2.44 takes
   * that only from its own --query.lookback-delta (5 min). */
  maxAgeSeconds?: number | undefined
  /** Default 5. */
  timeoutSeconds?: number | undefined
}

const MAX_ANSWER_BYTES = 1 << 20

const sample = z.tuple([z.number(), z.string()])
const answerSchema = z.union([
  z.object({ status: z.literal('error'), errorType: z.string(), error: z.string() }),
  z.object({
    status: z.literal('success'),
    data: z.union([
      z.object({ resultType: z.literal('scalar'), result: sample }),
      z.object({
        resultType: z.literal('vector'),
        result: z.array(z.object({ metric: z.record(z.string(), z.string()), value: sample })),
      }),
      z.object({ resultType: z.enum(['matrix', 'string']), result: z.unknown() }),
    ]),
  }),
])

function unknown(reason: string): LoadReading {
  return { load: undefined, reason }
}

function fileOf(where: string, name: string | undefined): Buffer | undefined {
  if (name === undefined) return undefined
  try {
    return readFileSync(name)
  } catch (error) {
    throw new ConcertinaError('FILE_ACCESS', `${where}: ${(error as Error).message}`, {
      hint: 'a file that can be read',
      where,
      cause: error,
    })
  }
}

/**
 * Reads the load from a Prometheus query. No answer, an empty vector, several series, NaN, a negative number and a sample that
 * is too old are all missing; none of them is 0.
 * @throws {ConcertinaError} INVALID_INPUT or FILE_ACCESS, naming the option.
 */
export function prometheusSource(options: PrometheusOptions): LoadSource {
  const { url, query, bearerToken } = options
  const { maxAge, timeoutSeconds: timeout } = prometheusOptions.parse({
    maxAge: options.maxAgeSeconds,
    timeoutSeconds: options.timeoutSeconds,
  })
  if (query.trim() === '')
    throw invalidInput('loadQuery', 'the query is empty', 'PromQL that gives one number')
  const base = URL.canParse(url) ? new URL(url) : undefined
  if (!base || !/^https?:$/.test(base.protocol)) {
    throw invalidInput(
      'prometheus',
      `${shown(withoutUser(url))} is not allowed`,
      'an http:// or https:// address',
    )
  }
  const target = new URL(`${base.pathname.replace(/\/$/, '')}/api/v1/query`, base)
  const tls = {
    ca: fileOf('prometheusCa', options.caFile),
    cert: fileOf('prometheusCert', options.certFile),
    key: fileOf('prometheusKey', options.keyFile),
  }
  const token = () =>
    bearerToken?.startsWith('@') ? readFileSync(bearerToken.slice(1), 'utf8').trim() : bearerToken

  async function request(signal: AbortSignal): Promise<{ status: number; text: string }> {
    const body = new URLSearchParams({ query, lookback_delta: `${maxAge}s` }).toString()
    const bearer = token()
    const headers = {
      'content-type': 'application/x-www-form-urlencoded',
      'content-length': Buffer.byteLength(body),
      ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
    }
    const send = target.protocol === 'https:' ? httpsRequest : httpRequest
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const call = send(target, { method: 'POST', headers, signal, ...tls }, resolve)
      call.once('error', reject)
      call.end(body)
    })
    let text = ''
    response.setEncoding('utf8')
    for await (const chunk of response) {
      text += chunk
      if (text.length > MAX_ANSWER_BYTES) throw new Error('the answer is too large')
    }
    return { status: response.statusCode ?? 0, text }
  }

  return {
    description: `${query} at ${target.origin}`,
    async read(signal) {
      const late = timeoutSignal(timeout * 1000)
      try {
        const { status, text } = await request(AbortSignal.any([signal, late]))
        return readingOf(status, text, maxAge)
      } catch (error) {
        if (late.aborted) return unknown(`no answer within ${timeout} s`)
        return unknown((error as Error).message)
      }
    },
  }
}

function readingOf(status: number, text: string, maxAge: number): LoadReading {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return unknown(`HTTP status ${status}, and no JSON`)
  }
  const parsed = answerSchema.safeParse(json)
  if (!parsed.success) return unknown(`HTTP status ${status}, and no answer of Prometheus`)
  const answer = parsed.data
  if (answer.status === 'error') return unknown(`${answer.errorType}: ${answer.error}`)
  const { data } = answer
  if (data.resultType !== 'vector' && data.resultType !== 'scalar') {
    return unknown(`the query gives a ${data.resultType}, not a number`)
  }
  if (data.resultType === 'vector' && data.result.length !== 1) {
    const { length } = data.result
    return unknown(length === 0 ? 'the query gives no sample' : `the query gives ${length} series, not one`)
  }
  const [time, value] = data.resultType === 'vector' ? data.result[0]!.value : data.result
  const load = Number(value)
  if (!Number.isFinite(load) || load < 0) return unknown(`the query gives ${value}`)
  const ageSeconds = Math.max(0, Date.now() / 1000 - time)
  if (ageSeconds > maxAge) return unknown(`the sample is ${Math.round(ageSeconds)} s old`)
  return { load, ageSeconds }
}
