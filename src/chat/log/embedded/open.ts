import type { Logger } from '../../../base/logger.ts'
import { noSystemLock } from './data-lock.ts'
import { EmbeddedRoomLog } from './embedded.ts'
import { type Damage, describeDamage } from './recovery.ts'

/**
 * Opens the room log of a fleet on one machine, or of an app; what is wrong with it, now or later, is logged.
 * @throws {ConcertinaError} DATA_IN_USE, DATA_DAMAGED or FILE_ACCESS.
 */
export function openRoomLog(folder: string, logger: Logger): EmbeddedRoomLog {
  const log = EmbeddedRoomLog.open(folder)
  const reportDamage = (damage: Damage) => {
    const level = damage.kind === 'torn-tail' ? 'warn' : 'error'
    logger[level](`Room log: ${describeDamage(damage)}`, { ...damage })
  }
  log.damage.forEach(reportDamage)
  log.damageFound.subscribe(reportDamage)
  if (log.isSystemLock === false) logger.warn(`Room log: ${noSystemLock(folder)}`, { folder })
  log.troubles.subscribe((why) => {
    if (why) logger.error(`Room log: ${why}; messages are rejected until it can be written`, { why })
    else logger.info('Room log: messages are accepted again')
  })
  return log
}
