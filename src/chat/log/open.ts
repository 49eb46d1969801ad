import { invalidInput, shown } from '../../base/errors.ts'
import type { Faults } from '../../base/faults.ts'
import { requireMethods } from '../../base/known-keys.ts'
import type { Logger } from '../../base/logger.ts'
import { EmbeddedRoomLog } from './embedded/embedded.ts'
import { openRoomLog } from './embedded/open.ts'
import { GivenLog } from './given-log.ts'
import { MemoryRoomLog } from './memory.ts'
import type { RoomLog } from './room-log.ts'

/** Where rooms are kept: a log that is made already, the one in a folder, or memory. */
export interface LogOptions {
  readonly data?: string | undefined
  readonly roomLog?: RoomLog | undefined
}

/** @throws {ConcertinaError} INVALID_INPUT, DATA_IN_USE, DATA_DAMAGED or FILE_ACCESS. */
export function openLog({ data, roomLog }: LogOptions, logger: Logger, faults: Faults): RoomLog {
  if (roomLog !== undefined) {
    requireMethods('roomLog', roomLog, 'append', 'read', 'readBefore', 'subscribe', 'unsubscribe', 'close')
    return roomLog instanceof EmbeddedRoomLog ? roomLog : new GivenLog(roomLog, faults)
  }
  if (data === undefined) return new MemoryRoomLog()
  if (typeof data === 'string') return openRoomLog(data, logger)
  throw invalidInput('data', `${shown(data)} is not allowed`, 'the path of a folder')
}
