import { ConcertinaError } from '../base/errors.ts'
import { asFlagError } from './flags.ts'

/** The shell's statuses for a command that a signal interrupted. */
const STATUS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const
/** And for one whose reader is gone. */
const BROKEN_PIPE = 141

/** What is still open so long after the end of a service does not keep its process, milliseconds. */
const LEFT_OPEN_MS = 2000

/** And for one whose output cannot be written, as where an output file cannot. */
const NOT_WRITTEN = 2

/** Called when the standard output accepts nothing more. Without a running command there is nothing to end in order. */
let onOutputGone = (code: string): void => process.exit(outputGone(code, ''))

/** Prints what it is about, unless the reader has gone. @returns the status to end with */
function outputGone(code: string, more: string): number {
  if (code !== 'EPIPE') console.error(`concertina: the standard output cannot be written (${code})${more}`)
  else if (more) console.error(`concertina: the reader of the standard output is gone${more}`)
  return code === 'EPIPE' ? BROKEN_PIPE : NOT_WRITTEN
}

export interface RunOptions {
  /**
   * A service: it is meant to be stopped by SIGTERM or a hang-up, so that a clean stop by one is a success, and it does not
   * end because the reader of its log has ended.
   */
  readonly service?: boolean
}

/**
 * Runs a command until its end, a signal, or the end of the process that reads its output. The first signal asks it to stop; a second
 * one ends the process at once.
 */
export async function runCommand<F extends object>(
  command: (flags: F, signal: AbortSignal) => Promise<unknown>,
  flags: F,
  { service = false }: RunOptions = {},
): Promise<void> {
  const abort = new AbortController()
  const stop = (status: number) => {
    process.exitCode = status
    abort.abort()
  }
  for (const [signal, status] of Object.entries(STATUS)) {
    process.on(signal, () => {
      if (abort.signal.aborted) process.exit(status)
      stop(service && signal !== 'SIGINT' ? 0 : status)
    })
  }
  onOutputGone = (code) => {
    onOutputGone = () => {} // once
    const status = outputGone(code, service ? '; continuing without it' : '')
    if (!service) stop(status)
  }
  try {
    await command(flags, abort.signal)
  } catch (error) {
    throw asFlagError(error, flags)
  } finally {
    // A library may leave something open, such as an attempt to reach a broker that is silent.
    if (service) setTimeout(() => process.exit(), LEFT_OPEN_MS).unref()
  }
}

/** Keeps what goes wrong with the standard streams from ending the process in the middle of its work. */
export function guardOutput(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', ({ code }: NodeJS.ErrnoException) => {
      // A terminal that is gone (EIO) shows nothing: the run ends by its hang-up, or continues without it.
      if (stream === process.stdout && code !== undefined && code !== 'EIO') onOutputGone(code)
    })
  }
}

/** Prints an error for people. @returns the status to end with */
export function reportError(error: unknown): number {
  if (error instanceof ConcertinaError) {
    console.error(`concertina: ${error.message}`)
    if (error.hint !== undefined) console.error(`  allowed: ${error.hint}`)
    return error.exitStatus
  }
  console.error('concertina: internal error, please report it:', error)
  return 1
}
