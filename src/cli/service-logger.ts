import { jsonLogger, type Logger, lineLogger } from '../base/logger.ts'
import type { TerminalView } from '../report/terminal-view.ts'
import type { LogFlags } from './flags.ts'

/**
 * The log of a service, on standard output: lines for people on a terminal, beside the view where there is one, and JSON for
 * programs in a pipe. What happens is logged; the load of every second only on request.
 */
export function serviceLogger(
  { quiet, verbose, logLevel, logFormat }: LogFlags,
  view: TerminalView | undefined,
): Logger {
  const level = logLevel ?? (verbose ? 'debug' : quiet ? 'warn' : 'info')
  const write = view?.print ?? ((line: string) => console.log(line))
  const text = logFormat === undefined ? view !== undefined || process.stdout.isTTY : logFormat === 'text'
  if (!text) return jsonLogger(write, level)
  const stamped = view ? write : (line: string) => write(`${new Date().toISOString()} ${line}`)
  const eachSecond = level === 'debug' ? stamped : () => {}
  return lineLogger(stamped, { level, progress: view?.progress ?? eachSecond })
}
