import type { Command } from 'commander'
import { addEvaluationFlags, addLanguageFlag, addLogFlags } from '../flags.ts'
import { collect } from '../option-flag.ts'
import { runCommand as run } from '../run-command.ts'
import type { ReplayFlags } from './replay.ts'

export function addReplay(main: Command): void {
  addLogFlags(addLanguageFlag(addEvaluationFlags(main.command('replay'))), 'warn')
    .description('what other policies would have done with the load of a run that wrote its decisions')
    .argument('<file>', 'what --decisions wrote; - is the standard input')
    .option('--policy <name>', 'a kind, or a name from the config; may be given several times (all)', collect)
    .option('--json <file>', 'write the figures there')
    .option('--decisions <file>', 'write the decisions of the one policy there, for explain')
    .action(async (file: string, flags: ReplayFlags) =>
      run(async (_, signal) => (await import('./replay.ts')).replay(file, flags, signal), flags),
    )
}
