import { z } from 'zod'
import { dataProblem, isName, isRequestId } from '../../protocol/rules.ts'
import { SYSTEM_PREFIX } from '../access/moderation-log.ts'

const NOT_ALLOWED = 'it is not allowed'
const NAME = '1 to 128 characters, no control characters'

const isRoomName = (room: unknown) => isName(room) && !room.startsWith(SYSTEM_PREFIX)
/** A name of a user. */
export const name = z.string().refine(isName, NOT_ALLOWED).meta({ allowed: NAME })
export const roomName = z
  .string()
  .refine(isRoomName, NOT_ALLOWED)
  .meta({ allowed: `${NAME}, not beginning with ${SYSTEM_PREFIX}` })
const messageId = z
  .string()
  .refine(isRequestId, NOT_ALLOWED)
  .meta({ allowed: '1 to 64 characters, no control characters' })
/** The fields of a message in a body. */
export const message = {
  body: z.string(),
  data: z
    .record(z.string(), z.unknown())
    .superRefine((data, context) => {
      const problem = dataProblem(data)
      if (problem !== undefined) context.addIssue({ code: 'custom', message: `${NOT_ALLOWED}: ${problem}` })
    })
    .meta({ allowed: 'a JSON object' })
    .optional()
    .describe('what the app keeps with the message'),
  user: name.optional().describe('whose message it is; $server'),
  id: messageId.optional().describe('published again under the same id, it is in the room once'),
}
