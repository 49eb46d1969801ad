import { Command, CommanderError } from 'commander'
import { VERSION } from '../base/version.ts'
import type { TraceFormat } from '../traffic/traces/format.ts'
import { addAdvise } from './commands/advise.flags.ts'
import { addCompare } from './commands/compare.flags.ts'
import { addCompletion } from './commands/completion.flags.ts'
import { addController } from './commands/controller.flags.ts'
import { addDemo } from './commands/demo.flags.ts'
import { addDoctor } from './commands/doctor.flags.ts'
import { addExplain } from './commands/explain.flags.ts'
import { addImport } from './commands/import.flags.ts'
import { addKeda } from './commands/keda.flags.ts'
import { addLoad } from './commands/load.flags.ts'
import { addReplay } from './commands/replay.flags.ts'
import { addServe } from './commands/serve.flags.ts'
import { addServer } from './commands/server.flags.ts'
import { addSimulate } from './commands/simulate.flags.ts'
import { addToken } from './commands/token.flags.ts'
import { addTrace } from './commands/trace.flags.ts'
import { addTune } from './commands/tune.flags.ts'
import { addVerify } from './commands/verify.flags.ts'
import { examplesText } from './examples.ts'
import { guardOutput, reportError } from './run-command.ts'

/** Every command with the words that name it. */
function named(command: Command, name = ''): [Command, string][] {
  const below = command.commands.flatMap((each) => named(each, `${name} ${each.name()}`.trim()))
  return [[command, name], ...below]
}

/** @param formats of traces, for the command whose help lists them */
export function program(formats: readonly TraceFormat[]): Command {
  const main = new Command('concertina')
    .description('Chat that scales itself: run it, or see in advance what a policy would do and cost.')
    .version(VERSION)
  addDemo(main)
  addSimulate(main)
  addServe(main)
  addServer(main)
  addController(main)
  addKeda(main)
  addLoad(main)
  addVerify(main)
  addCompare(main)
  addAdvise(main)
  addTune(main)
  addReplay(main)
  addExplain(main)
  addTrace(main, formats)
  addImport(main)
  addToken(main)
  addDoctor(main)
  addCompletion(main)
  for (const [command, name] of named(main)) {
    const help = `concertina ${name && `${name} `}--help`
    command.addHelpText('after', () => examplesText(name))
    command.exitOverride().configureOutput({
      outputError: (text, write) =>
        write(`concertina: ${text.replace(/^error: /, '').trim()}\n  allowed: see ${help}\n`),
    })
  }
  return main
}

/** Whether the help of a command is requested, which describes its flags. */
function showsFlags([command, ...rest]: readonly string[]): boolean {
  return rest.length > 0 && [command, ...rest].some((word) => ['--help', '-h', 'help'].includes(word!))
}

/** Runs the command that the arguments of the process name. */
export async function main(): Promise<void> {
  guardOutput()
  try {
    const forTraces = process.argv[2] === 'trace' || process.argv[2] === 'help'
    const formats = forTraces ? (await import('../traffic/traces/formats.ts')).TRACE_FORMATS : []
    const commands = program(formats)
    if (showsFlags(process.argv.slice(2))) (await import('./option-texts.ts')).describeFlags(commands)
    await commands.parseAsync()
  } catch (error) {
    if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2
    // Whatever it left open must not keep a process that failed.
    else process.exit(reportError(error))
  }
}
