/**
 * The catalogue of errors a person may meet. Each has a stable `code`, the exit status of the command line, and
 * a section of the same name in `docs/errors.md`.
 */
const ERROR_CODES = {
  /** A flag, a config key or an argument has a value that is not allowed. */
  INVALID_INPUT: { exitStatus: 2 },
  /** A file that was named cannot be read or written. */
  FILE_ACCESS: { exitStatus: 2 },
  /** A trace file is not `t_seconds,value`. */
  INVALID_TRACE: { exitStatus: 2 },
  /** A pipeline is put together wrongly. */
  INVALID_PIPELINE: { exitStatus: 2 },
  /** Another process uses the data folder. */
  DATA_IN_USE: { exitStatus: 2 },
  /** The data folder's own description cannot be read. */
  DATA_DAMAGED: { exitStatus: 1 },
  /** The address to listen on is in use, or not one of this machine. */
  ADDRESS_UNAVAILABLE: { exitStatus: 2 },
  /** The broker cannot be reached, or does not have what is needed. */
  BROKER_UNAVAILABLE: { exitStatus: 1 },
  /** The messages of the rooms cannot be read. */
  LOG_UNAVAILABLE: { exitStatus: 1 },
  /** Virtual users could not use the chat that they were sent to. */
  NOT_SERVED: { exitStatus: 1 },
  /** The servers of a live fleet die as they start. */
  SERVERS_FAIL: { exitStatus: 1 },
  /** What users saw breaks the promise of a room. */
  PROMISE_BROKEN: { exitStatus: 1 },
  /** An operator threw while the pipeline ran. */
  OPERATOR_FAILED: { exitStatus: 1 },
} as const satisfies Record<string, { exitStatus: number }>

/** What kind of error it is; `docs/errors.md` has what to do about each. */
export type ErrorCode = keyof typeof ERROR_CODES

/** Characters that a message may have in all: it names a place and a value, it does not repeat a file. */
const MOST_CHARACTERS = 4000
/** Characters of a value that a message repeats. */
const MOST_OF_VALUE = 80

/** Text without characters that a terminal would act on, and not without end. */
export function printable(text: string): string {
  const clean = text.replace(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  return clean.length > MOST_CHARACTERS ? `${clean.slice(0, MOST_CHARACTERS)}…` : clean
}

/**
 * A value as a message repeats it: as JSON, at most 80 characters.
 * @param quoted whether text is put in quotes
 */
export function shown(value: unknown, quoted = true): string {
  let text: string
  try {
    text =
      typeof value === 'string' && !quoted
        ? value
        : typeof value === 'number' || typeof value === 'bigint'
          ? String(value)
          : (JSON.stringify(value) ?? String(value))
  } catch {
    text = String(value)
  }
  return text.length > MOST_OF_VALUE ? `${text.slice(0, MOST_OF_VALUE)}…` : text
}

/** An address as a message repeats it: without a user name and a password. */
export const withoutUser = (url: string): string => url.replace(/^([^/]*\/\/)?.*@/, '$1')

/** An error meant for a person: says where, what is wrong and what is allowed. */
export class ConcertinaError extends Error {
  readonly code: ErrorCode
  /** What is allowed, or what to do next. */
  readonly hint: string | undefined
  /** The option, flag or key that is wrong, where there is one. */
  readonly where: string | undefined

  constructor(
    code: ErrorCode,
    message: string,
    options: { hint?: string; where?: string; cause?: unknown } = {},
  ) {
    super(printable(message), options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'ConcertinaError'
    this.code = code
    this.hint = options.hint === undefined ? undefined : printable(options.hint)
    this.where = options.where
  }

  /** The status a command ends with because of this error: 2 for bad input. */
  get exitStatus(): number {
    return ERROR_CODES[this.code].exitStatus
  }
}

/** An error that is part of normal work, such as a rejection under overload: many are made, so it costs no stack trace. */
export class ExpectedError extends Error {
  constructor(message: string) {
    const { stackTraceLimit } = Error
    Error.stackTraceLimit = 0
    super(message)
    Error.stackTraceLimit = stackTraceLimit
  }
}

/** What was thrown, in words: it need not be an error. */
export function messageOf(error: unknown): string {
  try {
    return String(error instanceof Error ? error.message : error)
  } catch {
    return 'something that is no text'
  }
}

/** What an error was about: the message of its cause, which says more where `fetch` failed, or else its own. */
export function rootMessage(error: unknown): string {
  const { message, cause } = error as Error
  return cause instanceof Error && cause.message ? cause.message : message
}

/** Shorthand for the commonest error: `where` is a flag, a config key or an option name. */
export function invalidInput(where: string, wrong: string, allowed: string): ConcertinaError {
  return new ConcertinaError('INVALID_INPUT', `${where}: ${wrong}`, { hint: allowed, where })
}

/** A finite number within `[min, max]`, or an error that names `where`. */
export function requireNumber(
  where: string,
  value: unknown,
  bounds: { min?: number; max?: number; above?: number; integer?: boolean } = {},
): number {
  const { min = -Infinity, max = Infinity, above = -Infinity, integer = false } = bounds
  const ok =
    typeof value === 'number' &&
    Number.isFinite(value) &&
    value >= min &&
    value <= max &&
    value > above &&
    (!integer || Number.isInteger(value))
  if (ok) return value as number
  const range = [
    above > -Infinity ? `above ${above}` : '',
    min > -Infinity ? `at least ${min}` : '',
    max < Infinity ? `at most ${max}` : '',
  ].filter(Boolean)
  const kind = integer ? 'a whole number' : 'a number'
  throw invalidInput(where, `${shown(value)} is not allowed`, [kind, ...range].join(', '))
}
