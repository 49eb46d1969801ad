import type { Command } from 'commander'
import { addLogFlags, addTraceEvaluationFlags } from '../flags.ts'
import { collect, number, OptionFlag } from '../option-flag.ts'
import { runCommand as run } from '../run-command.ts'
import type { TuneFlags } from './tune.ts'

export function addTune(main: Command): void {
  addLogFlags(addTraceEvaluationFlags(main.command('tune')), 'warn')
    .description('searches parameters of a policy on a trace, and prints the config to paste')
    .requiredOption('--policy <name>', 'a kind, or a name from the config')
    .option(
      '--search <path=values>',
      'try these values, by commas, of an option; may be given several times',
      collect,
    )
    .addOption(new OptionFlag('--train <share>', 'tuning.train').argParser(number))
    .action(async (flags: TuneFlags) => run((await import('./tune.ts')).tunePolicy, flags))
}
