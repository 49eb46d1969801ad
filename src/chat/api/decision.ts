import { z } from 'zod'
import { check } from '../../base/options.ts'
import type { ModerationAction } from '../access/moderation.ts'
import { name, roomName } from './fields.ts'

const until = z.number().positive()
const reason = z.string().max(200).optional()
const user = name
const room = roomName
const anywhere = room.optional()

const of = <T extends ModerationAction['type']>(type: T, shape: z.ZodRawShape) =>
  z.strictObject({ type: z.literal(type), ...shape })

const decision = z.discriminatedUnion('type', [
  of('ban', { user, room: anywhere, until: until.optional(), reason }),
  of('unban', { user, room: anywhere }),
  of('mute', { user, room: anywhere, until: until.optional(), reason }),
  of('unmute', { user, room: anywhere }),
  of('revoke-user', { user, before: until }),
  of('revoke-token', { id: name, until }),
  of('kick', { user, room: anywhere, reason }),
  of('close-room', { room, reason }),
  of('open-room', { room }),
])

/** @throws {ConcertinaError} INVALID_INPUT for what every server of the fleet would have to ignore. */
export function checkDecision(action: ModerationAction): void {
  check(decision, action, 'the decision')
}
