import type { Language } from '../base/language.ts'
import type { Logger } from '../base/logger.ts'
import { reportTexts } from './texts.ts'

/** The logger with the lines of a run in that language: what happened is in their fields. */
export function translatedLogger(logger: Logger, language: Language): Logger {
  if (language === 'en') return logger
  const texts = reportTexts(language)
  return {
    ...logger,
    info(message, fields) {
      const { action, from, to, reason } = fields ?? {}
      const scaled = action === 'scale_up' || action === 'scale_down'
      const line = scaled
        ? texts.scaling(action === 'scale_up', Number(from), Number(to), texts.because(String(reason)))
        : message
      logger.info(line, fields)
    },
    progress(message, fields) {
      const { load, servers, messages } = fields ?? {}
      const cell = (value: unknown, width: number) => String(value).padStart(width)
      const line =
        load === undefined ? message : texts.progress(cell(load, 3), cell(servers, 2), cell(messages, 4))
      if (logger.progress) logger.progress(line, fields)
      else logger.info(line, fields)
    },
  }
}
