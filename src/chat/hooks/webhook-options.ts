import { z } from 'zod'
import { webAddress } from '../../base/options.ts'

const EVENTS = ['message', 'join', 'leave', 'room-empty'] as const

const webhookOptions = z.strictObject({
  url: webAddress.describe('where the events are posted to'),
  secret: z.string().min(32).describe('signs each request: at least 32 characters'),
  events: z.array(z.enum(EVENTS)).min(1).optional().describe('default all'),
  rooms: z.array(z.string()).min(1).optional().describe('names, or prefixes and *; default every room'),
})

/** Receivers of what happens in rooms. */
export const webhookListOptions = z.array(webhookOptions)

export type WebhookEventType = (typeof EVENTS)[number]
export type WebhookOptions = z.infer<typeof webhookOptions>
