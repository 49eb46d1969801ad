import { jsonLogger, type Logger, type LogLevel, lineLogger } from '../base/logger.ts'
import type { TerminalView } from '../report/terminal-view.ts'
import type { LogFlags } from './flags.ts'

/** The level that is asked for. */
function levelOf({ quiet, verbose, logLevel }: LogFlags, usual: LogLevel): LogLevel {
  return logLevel ?? (verbose ? 'debug' : quiet ? 'warn' : usual)
}

/** The log of a command that ends with a result: on the standard error, beside the result, and only warnings unless more is asked for. */
export function resultLogger(
  flags: LogFlags,
  view: TerminalView | undefined,
  usual: LogLevel = 'warn',
): Logger {
  const level = levelOf(flags, usual)
  const write = view?.print ?? ((line: string) => console.error(line))
  const text = flags.logFormat === undefined ? process.stderr.isTTY : flags.logFormat === 'text'
  if (!text && !view) return jsonLogger(write, level)
  const eachSecond = level === 'debug' ? write : () => {}
  return lineLogger(write, { level, progress: view?.progress ?? eachSecond })
}

/**
 * The log of a service, on standard output: lines for people on a terminal, beside the view where there is one, and JSON for
 * programs in a pipe. What happens is logged; the load of every second only on request.
 */
export function serviceLogger(flags: LogFlags, view: TerminalView | undefined): Logger {
  const { logFormat } = flags
  const level = levelOf(flags, 'info')
  const write = view?.print ?? ((line: string) => console.log(line))
  const text = logFormat === undefined ? view !== undefined || process.stdout.isTTY : logFormat === 'text'
  if (!text) return jsonLogger(write, level)
  const stamped = view ? write : (line: string) => write(`${new Date().toISOString()} ${line}`)
  const eachSecond = level === 'debug' ? stamped : () => {}
  return lineLogger(stamped, { level, progress: view?.progress ?? eachSecond })
}
