import type { Command } from 'commander'
import { addLoadFlags, addLogFlags, addTraceFlags, CONFIG } from '../flags.ts'
import { OptionFlag } from '../option-flag.ts'
import { runCommand as run } from '../run-command.ts'
import type { LoadCommandFlags } from './load.ts'

export function addLoad(main: Command): void {
  addLogFlags(addTraceFlags(addLoadFlags(main.command('load'))), 'warn')
    .description('virtual users for a chat that runs already; they check what they see')
    .requiredOption('--url <url>', 'address of the chat, as serve prints it')
    .option(...CONFIG)
    .addOption(new OptionFlag('--seed <seed>', 'demo.seed'))
    .option('--history <file>', 'write what every virtual user did and saw, for verify')
    .option('--json', 'print the result as JSON')
    .action(async (flags: LoadCommandFlags) => run((await import('./load.ts')).load, flags))
}
