import { z } from 'zod'
import { type OptionsOf, option, optionSet } from '../../base/options.ts'
import { type ChatHooks, Refused } from './hooks.ts'
import { post } from './post.ts'

const EVENTS = ['join', 'message'] as const

/** What a config file may say of hooks that an app's backend answers by HTTP. */
export const hookOptions = optionSet({
  url: z.url({ protocol: /^https?$/ }).describe('address that is asked by POST'),
  secret: z.string().min(32).describe('signs each request: at least 32 characters'),
  events: option(z.array(z.enum(EVENTS)).min(1), 'what it is asked about', [...EVENTS]),
  timeoutMs: option(z.number().int().min(1).max(10_000), 'milliseconds that an answer may take', 1000),
  onFailure: option(
    z.enum(['reject', 'allow']),
    'without an answer in time: reject, so that the client tries again, or allow',
    'reject',
  ),
})

export type HookOptions = OptionsOf<typeof hookOptions.shape>

const answerSchema = z.object({
  allow: z.boolean(),
  reason: z.string().max(200).optional(),
  body: z.string().optional(),
})

/** Hooks that ask an app's backend. Each request has a deadline; a backend that is away does what `onFailure` says. */
export function httpHooks(options: HookOptions): ChatHooks {
  const { url, secret, events, timeoutMs, onFailure } = hookOptions.parse(options)

  async function ask(event: object): Promise<z.infer<typeof answerSchema>> {
    const body = JSON.stringify(event)
    try {
      const response = await post(url, secret, body, AbortSignal.timeout(timeoutMs))
      return answerSchema.parse(await response.json())
    } catch (error) {
      if (onFailure === 'allow') return { allow: true }
      throw error
    }
  }

  async function decide(event: object): Promise<string | undefined> {
    const { allow, reason, body } = await ask(event)
    if (!allow) throw new Refused(reason ?? 'not allowed')
    return body
  }

  return {
    ...(events.includes('join') && {
      beforeJoin: async (join) => {
        await decide({ type: 'join', ...join })
      },
    }),
    ...(events.includes('message') && {
      beforeMessage: (message) => decide({ type: 'message', ...message }),
    }),
  }
}
