import type { Command } from 'commander'
import { addEvaluationFlags, addLanguageFlag, addLogFlags, addReadingFlags } from '../flags.ts'
import { number } from '../option-flag.ts'
import { runCommand as run } from '../run-command.ts'
import type { AdviseFlags } from './advise.ts'

export function addAdvise(main: Command): void {
  addLogFlags(addLanguageFlag(addReadingFlags(addEvaluationFlags(main.command('advise')))), 'warn')
    .description(
      'recommends a policy for a load: its config, its cost beside that of today, and how sure that is',
    )
    .option('--trace <file>', 'how many users there were; trace --help names the formats')
    .option('--current <file>', 'what scales it today: a file that import reads')
    .option('--metric <name>', "of today's policy, where its name does not say it: users, cpu, …")
    .option('--price <amount>', 'of a server-hour, to give costs as well', number)
    .option('--json', 'print everything as JSON')
    .action(async (flags: AdviseFlags) => run((await import('./advise.ts')).adviseOn, flags))
}
