/** What the code says while it works. `fields` are for machines; the message alone must make sense to a person. */
export interface Logger {
  debug(message: string, fields?: Record<string, unknown>): void
  info(message: string, fields?: Record<string, unknown>): void
  warn(message: string, fields?: Record<string, unknown>): void
  error(message: string, fields?: Record<string, unknown>): void
  /** What is said at every control interval; `info` takes it unless there is this. */
  progress?(message: string): void
}

const nothing = () => {}

/** Says nothing: the default of the library. */
export const silentLogger: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing }

/** One JSON object a line: time, level, message and the fields. */
export function jsonLogger(write: (line: string) => void): Logger {
  const at = (level: string) => (message: string, fields?: Record<string, unknown>) =>
    write(JSON.stringify({ time: new Date().toISOString(), level, message, ...fields }))
  return { debug: nothing, info: at('info'), warn: at('warn'), error: at('error') }
}

/** Plain lines through `write`; `debug` only when `verbose`; the line of every control interval through `progress`, if given. */
export function lineLogger(
  write: (line: string) => void,
  options: { verbose?: boolean; progress?: (line: string) => void } = {},
): Logger {
  return {
    debug: options.verbose ? (message) => write(message) : nothing,
    info: (message) => write(message),
    warn: (message) => write(message),
    error: (message) => write(message),
    progress: options.progress ?? write,
  }
}
