import { isDeepStrictEqual } from 'node:util'
import type { RoomMessage } from '../../protocol/messages.ts'
import type { Append, Appended, RoomLog } from '../log/room-log.ts'

/** A message or a change that is not possible; the code is the protocol's. */
export class ChangeRejected extends Error {
  readonly code: 'not-found' | 'forbidden' | 'bad-message'
  /** What Express and Fastify answer with where an app does not catch it. */
  readonly statusCode: number

  constructor(code: ChangeRejected['code'], message: string) {
    super(message)
    this.code = code
    this.statusCode = { 'not-found': 404, forbidden: 403, 'bad-message': 409 }[code]
  }
}

/** The id of a message names another one already. */
export class IdTaken extends ChangeRejected {
  constructor() {
    super('bad-message', 'the id was used for something else')
  }
}

const CONTENT = ['body', 'data', 'edits', 'deletes'] as const

/**
 * Appends a message. Where its id is known already, the message must be the one that was appended under it; what the log has
 * trimmed counts as the same.
 * @param same the fields that must be the same then
 * @throws {IdTaken}
 */
export async function appendOnce(
  log: RoomLog,
  message: Append,
  same: readonly (typeof CONTENT)[number][] = CONTENT,
): Promise<Appended> {
  const appended = await log.append(message)
  if (!appended.duplicate) return appended
  const { entries } = await log.read(message.room, appended.seq - 1, 1)
  const [entry] = entries
  if (entry?.seq !== appended.seq) return appended
  const kept = JSON.parse(entry.payload.toString()) as RoomMessage
  const given = JSON.parse(JSON.stringify({ body: message.body, ...message.extras })) as Partial<RoomMessage>
  if (same.every((field) => isDeepStrictEqual(kept[field], given[field]))) return appended
  throw new IdTaken()
}
