import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { ConcertinaError, invalidInput, requireNumber } from '../errors.ts'
import { POLICY_KINDS } from '../scaling/policies.ts'
import type { Played, Terms } from '../simulation/judge.ts'
import { number } from './flags.ts'

/** Flags of the commands that judge policies. */
export interface JudgingFlags {
  trace: string[]
  targetServers?: number
  usersPerServer?: number
  provisioningDelay?: number
  interval?: number
  warmUp?: number
  overload?: number
  minServers?: number
  maxServers?: number
}

/** A flag that may be told several times. */
export const collect = (value: string, before: string[] = []) => [...before, value]

/** Policies that can do with their kind alone. */
export const STANDALONE_POLICIES = POLICY_KINDS.filter((kind) => !['schedule', 'max', 'chain'].includes(kind))

export const percent = (share: number, digits: number) => `${(share * 100).toFixed(digits)} %`

export function addJudgingFlags(command: Command): Command {
  return command
    .requiredOption('--trace <file>', 'a trace, or a folder of traces; may be told several times', collect)
    .option(
      '--target-servers <count>',
      'scale each trace so that its 99.9th percentile needs so many servers',
      number,
    )
    .option('--users-per-server <users>', 'that a server holds (30)', number)
    .option('--provisioning-delay <seconds>', 'from launch to ready (90)', number)
    .option('--interval <seconds>', 'between two decisions (30)', number)
    .option('--warm-up <seconds>', 'at the beginning, for which nothing is counted (0)', number)
    .option('--overload <share>', 'of user-time that may be above capacity (0.001)', number)
    .option('--min-servers <count>', 'never fewer servers (1)', number)
    .option('--max-servers <count>', 'never more servers (1000)', number)
}

/** The conditions, with what was not told filled in. */
export function termsOf(flags: JudgingFlags): Terms {
  const at = (name: keyof JudgingFlags, value: number, bounds: Parameters<typeof requireNumber>[2]) =>
    requireNumber(name, flags[name] ?? value, bounds)
  const minServers = at('minServers', 1, { min: 1, integer: true })
  return {
    usersPerServer: at('usersPerServer', 30, { above: 0 }),
    provisioningDelay: at('provisioningDelay', 90, { min: 0 }),
    interval: at('interval', 30, { above: 0 }),
    warmUp: at('warmUp', 0, { min: 0 }),
    overload: at('overload', 0.001, { min: 0, max: 1 }),
    minServers,
    maxServers: at('maxServers', 1000, { min: minServers, integer: true }),
    initialServers: 0,
  }
}

/** The traces that are named; of a folder, every CSV file in it. */
export function playedOf({ trace, targetServers }: JudgingFlags): Played[] {
  if (targetServers !== undefined) requireNumber('targetServers', targetServers, { above: 0 })
  const files = trace.flatMap((path) => {
    let isFolder: boolean
    try {
      isFolder = statSync(path).isDirectory()
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      throw new ConcertinaError('FILE_ACCESS', `--trace ${path}: cannot be read (${code})`, {
        hint: 'a trace or a folder of traces',
      })
    }
    if (!isFolder) return [path]
    return readdirSync(path)
      .filter((name) => name.endsWith('.csv'))
      .sort()
      .map((name) => join(path, name))
  })
  if (files.length === 0)
    throw invalidInput('trace', 'there is no trace in the folder', 'files that end in .csv')
  return files.map((file) => ({ file, ...(targetServers !== undefined && { targetServers }) }))
}

/** How far a long search is, on a terminal; nothing in a pipe. */
export function countProgress(): { onProgress(done: number, of: number): void; end(): void } {
  const { stderr } = process
  if (!stderr.isTTY) return { onProgress: () => {}, end: () => {} }
  return {
    onProgress: (done, of) => void stderr.write(`\r\x1b[K${done} of ${of}`),
    end: () => void stderr.write('\r\x1b[K'),
  }
}
