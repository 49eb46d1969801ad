#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { ConcertinaError } from '../errors.ts'
import type { RunResult } from '../metrics/run-result.ts'
import { addRunFlags, asFlagError, number, type RunFlags } from './flags.ts'
import type { SimulateFlags } from './simulate.ts'

const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string
}

/** Runs a command until its end or a signal; 130 and 143 are the shell's statuses for an interrupted command. */
async function run<F extends object>(
  command: (flags: F, signal: AbortSignal) => Promise<RunResult>,
  flags: F,
): Promise<void> {
  const abort = new AbortController()
  const stop = (status: number) => () => {
    if (abort.signal.aborted) process.exit(status) // asked twice
    process.exitCode = status
    abort.abort()
  }
  process.on('SIGINT', stop(130))
  process.on('SIGTERM', stop(143))
  try {
    await command(flags, abort.signal)
  } catch (error) {
    throw asFlagError(error, flags)
  }
}

function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
  if (error instanceof ConcertinaError) {
    console.error(`concertina: ${error.message}`)
    if (error.hint !== undefined) console.error(`  allowed: ${error.hint}`)
    return error.exitStatus
  }
  console.error('concertina: this is a mistake in the program, please report it:', error)
  return 1
}

function program(): Command {
  const main = new Command('concertina')
    .description('Chat that scales itself: see what an autoscaling policy does, and what it costs.')
    .version(manifest.version)
  addRunFlags(main.command('demo'))
    .description('users come and go, and the fleet follows, at the pace of real time')
    .option('--verbose', 'also print the reason of each decision')
    .action(async (flags: RunFlags) => run((await import('./demo.ts')).demo, flags))
  addRunFlags(main.command('simulate'))
    .description('the same, as fast as the machine can')
    .option('--trace <file>', 'replay concurrent users from a CSV file (t_seconds,value)')
    .option('--speed <factor>', 'play the trace this many times as fast (1)', number)
    .option('--scale <factor>', 'multiply the values of the trace (1)', number)
    .option('--config <file>', 'take everything that no flag tells from a YAML file')
    .option('--json', 'print the result as JSON')
    .option('--events <file>', 'write the scaling decisions there, one JSON object a line')
    .action(async (flags: SimulateFlags) => run((await import('./simulate.ts')).simulate, flags))
  for (const command of [main, ...main.commands]) {
    const help = command === main ? 'concertina --help' : `concertina ${command.name()} --help`
    command.exitOverride().configureOutput({
      outputError: (text, write) =>
        write(`concertina: ${text.replace(/^error: /, '').trim()}\n  allowed: see ${help}\n`),
    })
  }
  return main
}

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  throw error
})

try {
  await program().parseAsync()
} catch (error) {
  process.exitCode = report(error)
}
