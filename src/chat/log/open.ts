import { invalidInput, shown } from '../../base/errors.ts'
import { requireMethods } from '../../base/known-keys.ts'
import type { Logger } from '../../base/logger.ts'
import { openRoomLog } from './embedded/open.ts'
import { MemoryRoomLog } from './memory.ts'
import type { RoomLog } from './room-log.ts'

/** Where rooms are kept: a log that is made already, the one in a folder, or memory. */
export interface LogOptions {
  readonly data?: string | undefined
  readonly roomLog?: RoomLog | undefined
}

/** @throws {ConcertinaError} INVALID_INPUT, DATA_IN_USE, DATA_DAMAGED or FILE_ACCESS. */
export function openLog({ data, roomLog }: LogOptions, logger: Logger): RoomLog {
  if (roomLog !== undefined) {
    requireMethods('roomLog', roomLog, 'append', 'read', 'readBefore', 'subscribe', 'unsubscribe', 'close')
    return roomLog
  }
  if (data === undefined) return new MemoryRoomLog()
  if (typeof data === 'string') return openRoomLog(data, logger)
  throw invalidInput('data', `${shown(data)} is not allowed`, 'the path of a folder')
}
