import { readFileSync } from 'node:fs'
import { z } from 'zod'
import type { ControlTarget } from '../control/control-target.ts'
import { ConcertinaError } from '../errors.ts'
import type { AutoScaler } from '../scaling/auto-scaler.ts'
import type { Decision } from '../scaling/decision.ts'
import { LineFile } from './line-file.ts'

const forecastSchema = z.object({
  time: z.number(),
  expected: z.number(),
  low: z.number(),
  high: z.number(),
  sure: z.number(),
})

const decisionSchema = z.object({
  time: z.number(),
  action: z.enum(['scale_up', 'scale_down', 'none']),
  from: z.number(),
  to: z.number(),
  ready: z.number().optional(),
  wanted: z.number(),
  load: z.number().optional(),
  policy: z.string(),
  reason: z.string(),
  limitedBy: z.enum(['min', 'max', 'cooldown', 'stabilization', 'step', 'missing-metrics']).optional(),
  // JSON has no word for what is no number.
  numbers: z.record(z.string(), z.number().nullable()).optional(),
  forecast: forecastSchema.optional(),
  shadow: z.literal(true).optional(),
})

/** How the run was set up: the first line. */
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

/** What somebody did by hand, or what failed. */
const happenedSchema = z.object({ kind: z.enum(['hand', 'failure']), time: z.number(), text: z.string() })

export type LoggedRun = z.infer<typeof runSchema>
export type Happened = z.infer<typeof happenedSchema>
export type LogLine = LoggedRun | Happened | Decision

const lineSchema = z.union([runSchema, happenedSchema, decisionSchema])

/** Writes what `--decisions` asks for: every decision, those of the shadow, and what was done by hand or failed. */
export class DecisionLog {
  readonly #file: LineFile<LogLine>
  #begun = false

  /** @throws {ConcertinaError} FILE_ACCESS when the file cannot be written there. */
  constructor(file: string) {
    this.#file = new LineFile('--decisions', file)
  }

  readonly onDecision = (decision: Decision, { policy, interval, limits }: AutoScaler): void => {
    const { minServers, maxServers } = limits
    if (!this.#begun) {
      this.#file.take({ kind: 'run', version: 1, policy: policy.name, interval, minServers, maxServers })
      this.#begun = true
    }
    this.#file.take(decision)
  }

  readonly onControl = (control: ControlTarget): void => {
    control.onEvent(({ kind, time, text }) => {
      if (kind !== 'scale') this.#file.take({ kind, time, text })
    })
  }

  /** @throws {ConcertinaError} FILE_ACCESS when lines could not be written. */
  close(): void {
    this.#file.close()
  }
}

/** A line of a log with its number, from 1. */
export interface NumberedLine {
  readonly number: number
  readonly line: LogLine
}

/**
 * Reads a decision log, as `--decisions` or `--events` writes it; `-` is standard input.
 * @param only this line; all of them unless told
 * @throws {ConcertinaError} FILE_ACCESS, or INVALID_INPUT that names the line.
 */
export function readDecisionLog(file: string, only?: number): NumberedLine[] {
  let text: string
  try {
    text = readFileSync(file === '-' ? 0 : file, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new ConcertinaError('FILE_ACCESS', `${file}: cannot be read (${code})`, {
      hint: 'a decision log, as --decisions writes it',
    })
  }
  const lines = text.split('\n')
  if (lines.at(-1) === '') lines.pop()
  if (only !== undefined && !(Number.isInteger(only) && only >= 1 && only <= lines.length)) {
    throw new ConcertinaError('INVALID_INPUT', `--line: there is no line ${only}`, {
      hint: `1 to ${lines.length}`,
    })
  }
  return lines.flatMap((each, i): NumberedLine[] => {
    if (only !== undefined && only !== i + 1) return []
    try {
      return [{ number: i + 1, line: lineSchema.parse(JSON.parse(each)) as LogLine }]
    } catch {
      throw new ConcertinaError('INVALID_INPUT', `${file}:${i + 1}: this is no decision`, {
        hint: 'lines of a decision log, as --decisions writes it',
      })
    }
  })
}
