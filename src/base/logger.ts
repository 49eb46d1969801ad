/** What the code reports while it works. `fields` are for programs; the message alone must make sense to a person. */
export interface Logger {
  debug(message: string, fields?: Record<string, unknown>): void
  info(message: string, fields?: Record<string, unknown>): void
  warn(message: string, fields?: Record<string, unknown>): void
  error(message: string, fields?: Record<string, unknown>): void
  /** The line of every control interval; without it `info` gets it. */
  progress?(message: string, fields?: Record<string, unknown>): void
}

/** From the least to the most that is logged. */
export const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

const nothing = () => {}

/** Logs nothing: the default of the library. */
export const silentLogger: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing }

/** The same logger, which neither throws nor rejects: what logs must not fail for it. */
export function guardedLogger(logger: Logger): Logger {
  const guard =
    (name: keyof Logger): Line =>
    (message, fields) => {
      try {
        const returned: unknown = logger[name]!(message, fields)
        if (returned instanceof Promise) returned.catch(nothing)
      } catch {
        // There is nowhere else to say it.
      }
    }
  return {
    debug: guard('debug'),
    info: guard('info'),
    warn: guard('warn'),
    error: guard('error'),
    ...(logger.progress && { progress: guard('progress') }),
  }
}

type Line = (message: string, fields?: Record<string, unknown>) => void

/** A logger whose methods up to `most` are made by `at`, and whose others do nothing. */
function upTo(most: LogLevel, at: (level: LogLevel) => Line): Record<LogLevel, Line> {
  const method = (level: LogLevel) =>
    LOG_LEVELS.indexOf(level) <= LOG_LEVELS.indexOf(most) ? at(level) : nothing
  return { error: method('error'), warn: method('warn'), info: method('info'), debug: method('debug') }
}

/** One JSON object a line: time, level, message and the fields. The line of every control interval is for `debug`. */
export function jsonLogger(write: (line: string) => void, level: LogLevel = 'info'): Logger {
  const at = (name: LogLevel) => (message: string, fields?: Record<string, unknown>) =>
    write(JSON.stringify({ time: new Date().toISOString(), level: name, message, ...fields }))
  const methods = upTo(level, at)
  return { ...methods, progress: (message) => methods.debug(message.trim()) }
}

/** Plain lines through `write`; the line of every control interval through `progress`, if given. */
export function lineLogger(
  write: (line: string) => void,
  options: { level?: LogLevel; progress?: ((line: string) => void) | undefined } = {},
): Logger {
  const methods = upTo(options.level ?? 'info', () => (message) => write(message))
  return { ...methods, progress: options.progress ?? write }
}
