import { closeSync, openSync, readSync } from 'node:fs'
import { StringDecoder } from 'node:string_decoder'
import { z } from 'zod'
import { ConcertinaError } from '../base/errors.ts'
import type { ControlTarget } from '../control/control-target.ts'
import type { Decision } from '../pipeline/items.ts'
import type { AutoScaler } from '../scaling/auto-scaler.ts'
import { LineFile } from './line-file.ts'

/** Bytes of a service's log, about two days of decisions, after which it is put aside. */
const MAX_BYTES = 64 * 2 ** 20
/** Bytes read at once. */
const CHUNK = 1 << 20

const forecastSchema = z.object({
  time: z.number(),
  expected: z.number(),
  low: z.number(),
  high: z.number(),
  confidence: z.number(),
})

const decisionSchema = z.object({
  time: z.number(),
  action: z.enum(['scale_up', 'scale_down', 'none']),
  from: z.number(),
  to: z.number(),
  ready: z.number().optional(),
  desired: z.number(),
  load: z.number().optional(),
  policy: z.string(),
  reason: z.string(),
  limitedBy: z.enum(['min', 'max', 'cooldown', 'stabilization', 'step', 'missing-metrics']).optional(),
  // JSON writes NaN and Infinity as null.
  numbers: z.record(z.string(), z.number().nullable()).optional(),
  forecast: forecastSchema.optional(),
  shadow: z.literal(true).optional(),
})

/** How the run was set up: the first line of each run. */
const runSchema = z.object({
  kind: z.literal('run'),
  /** Of the log's form. */
  version: z.literal(1),
  policy: z.string(),
  /** Seconds between two decisions. */
  interval: z.number().positive(),
  minServers: z.number(),
  maxServers: z.number(),
})

/** What was done by hand, or what failed. */
const happenedSchema = z.object({ kind: z.enum(['hand', 'failure']), time: z.number(), text: z.string() })

export type LoggedRun = z.infer<typeof runSchema>
export type Happened = z.infer<typeof happenedSchema>
export type LogLine = LoggedRun | Happened | Decision

const lineSchema = z.union([runSchema, happenedSchema, decisionSchema])

/** Writes what `--decisions` asks for: every decision, those of the shadow, and what was done by hand or failed. */
export class DecisionLog {
  readonly #file: LineFile<LogLine>
  #run: LoggedRun | undefined

  /**
   * @param service whether it is of a fleet that runs for long: the runs that the file has stay before this one, and a file of
   * `maxBytes` is put aside as `FILE.1`
   * @throws {ConcertinaError} FILE_ACCESS when the file cannot be written there.
   */
  constructor(file: string, service = false, maxBytes = MAX_BYTES) {
    const options = service ? { append: true, maxBytes, head: () => this.#run! } : {}
    this.#file = new LineFile<LogLine>('--decisions', file, options)
  }

  readonly onDecision = (decision: Decision, { policy, interval, limits }: AutoScaler): void => {
    const { minServers, maxServers } = limits
    const run: LoggedRun = {
      kind: 'run',
      version: 1,
      policy: policy.name,
      interval,
      minServers,
      maxServers,
    }
    if (!this.#run) this.#file.write(run)
    this.#run = run
    this.#file.write(decision)
  }

  readonly onControl = (control: ControlTarget): void => {
    control.onEvent(({ kind, time, text }) => {
      if (kind !== 'scale') this.#file.write({ kind, time, text })
    })
  }

  /** @throws {ConcertinaError} FILE_ACCESS when lines could not be written. */
  close(): void {
    this.#file.close()
  }

  /** Ends after an error: what was decided until then is worth keeping, and that error is the one to report. */
  discard(): void {
    try {
      this.close()
    } catch {
      // It was reported when it happened.
    }
  }
}

/**
 * Reads a decision log, as `--decisions` or `--events` writes it, line by line; `-` is standard input. A log that breaks off within its
 * last line, as a full disk or a crash leaves it, is read up to there, with a note.
 * @param only this line; default all
 * @throws {ConcertinaError} FILE_ACCESS, or INVALID_INPUT that names the line.
 */
export function* readDecisionLog(file: string, only?: number): Generator<LogLine> {
  let number = 0
  for (const { text, ended } of linesOf(file)) {
    number++
    if (only !== undefined && only !== number) continue
    const line = parsed(text)
    if (line) yield line
    else if (ended || number === 1) {
      throw new ConcertinaError('INVALID_INPUT', `${file}:${number}: this is not a decision`, {
        hint: 'lines of a decision log, as --decisions writes it',
      })
    } else console.error(`concertina: ${file}:${number}: the log breaks off within this line`)
  }
  if (only !== undefined && !(Number.isInteger(only) && only >= 1 && only <= number)) {
    throw new ConcertinaError('INVALID_INPUT', `--line: there is no line ${only}`, {
      hint: number === 0 ? 'a log with lines; this one is empty' : `1 to ${number}`,
    })
  }
}

function parsed(text: string): LogLine | undefined {
  try {
    return lineSchema.parse(JSON.parse(text)) as LogLine
  } catch {
    return undefined
  }
}

/** The lines of a file, however large it is, and whether each was ended. */
function* linesOf(file: string): Generator<{ text: string; ended: boolean }> {
  const reading = <T>(act: () => T): T => {
    try {
      return act()
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      throw new ConcertinaError('FILE_ACCESS', `${file}: cannot be read (${code})`, {
        hint: 'a decision log, as --decisions writes it',
      })
    }
  }
  const descriptor = file === '-' ? 0 : reading(() => openSync(file, 'r'))
  try {
    const chunk = Buffer.alloc(CHUNK)
    const decoder = new StringDecoder('utf8')
    let rest = ''
    for (;;) {
      const bytes = reading(() => readSync(descriptor, chunk))
      const lines = (rest + (bytes > 0 ? decoder.write(chunk.subarray(0, bytes)) : decoder.end())).split('\n')
      rest = lines.pop()!
      for (const text of lines) yield { text, ended: true }
      if (bytes === 0) break
    }
    if (rest !== '') yield { text: rest, ended: false }
  } finally {
    if (descriptor !== 0) closeSync(descriptor)
  }
}
