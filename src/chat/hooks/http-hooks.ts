import { z } from 'zod'
import { check, type OptionsOf, option, optionSet, webAddress, within } from '../../base/options.ts'
import { timeoutSignal } from '../../base/timeout-signal.ts'
import { responseText } from '../../http/response-text.ts'
import type { OpenSpan, Tracer } from '../../telemetry/tracer.ts'
import { type ChatHooks, checkedHooks, Rejected } from './hooks.ts'
import { post } from './post.ts'

const EVENTS = ['join', 'message'] as const

/** What a config file may say of hooks that an app's backend answers by HTTP. */
export const hookOptions = optionSet({
  url: webAddress.describe('address that is asked by POST'),
  secret: z.string().min(32).describe('signs each request: at least 32 characters'),
  events: option(z.array(z.enum(EVENTS)).min(1), 'what it is asked about', [...EVENTS]),
  timeoutMs: option(z.number().int().min(1).max(10_000), 'milliseconds that an answer may take', 1000),
  onFailure: option(
    z.enum(['reject', 'allow']),
    'without an answer in time: reject, so that the client tries again, or allow',
    'reject',
  ),
})

/** The backend that decides about requests, where hooks are requests of HTTP. */
export type HookOptions = OptionsOf<typeof hookOptions.shape>

const MAX_ANSWER_BYTES = 1 << 20

const answerSchema = z.object({
  allow: z.boolean(),
  reason: z.string().max(200).optional(),
  body: z.string().optional(),
})

/**
 * The hooks that are asked by HTTP, or those of this process.
 * @throws {ConcertinaError} INVALID_INPUT, naming the option.
 */
export function hooksOf(hooks: HookOptions | ChatHooks | undefined, tracer?: Tracer): ChatHooks | undefined {
  if (hooks === undefined) return undefined
  const isHttp = typeof hooks === 'object' && hooks !== null && 'url' in hooks
  return isHttp ? within('hooks', () => httpHooks(hooks, tracer)) : checkedHooks(hooks)
}

/**
 * Hooks that ask an app's backend. Each request has a deadline; a backend that is away does what `onFailure` says.
 * @param tracer traces the requests, and names their traces to the backend
 */
export function httpHooks(options: HookOptions, tracer?: Tracer): ChatHooks {
  const { url, secret, events, timeoutMs, onFailure } = hookOptions.parse(options)

  async function request(event: object, span?: OpenSpan): Promise<z.infer<typeof answerSchema>> {
    const body = JSON.stringify(event)
    const began = performance.now()
    const end = (error?: string) => {
      const attributes = { 'url.full': new URL(url).origin }
      span?.end('hook', { kind: 'client', began, attributes, error })
    }
    try {
      const response = await post(url, secret, body, timeoutSignal(timeoutMs), span)
      const answer = check(
        answerSchema,
        JSON.parse(await responseText(response, MAX_ANSWER_BYTES)),
        'the answer',
      )
      end()
      return answer
    } catch (error) {
      end((error as Error).message)
      if (onFailure === 'allow') return { allow: true }
      throw error
    }
  }

  async function decide(event: object, span?: OpenSpan): Promise<string | undefined> {
    const { allow, reason, body } = await request(event, span)
    if (!allow) throw new Rejected(reason ?? 'not allowed')
    return body
  }

  return {
    ...(events.includes('join') && {
      beforeJoin: async (join) => {
        await decide({ type: 'join', ...join }, tracer?.begin())
      },
    }),
    ...(events.includes('message') && {
      beforeMessage: (message) => decide({ type: 'message', ...message }, tracer?.beginPart(message)),
    }),
  }
}
