import type { Command } from 'commander'
import { addLanguageFlag, addLogFlags, addTraceEvaluationFlags } from '../flags.ts'
import { collect, number, OptionFlag } from '../option-flag.ts'
import { runCommand as run } from '../run-command.ts'
import type { CompareFlags } from './compare.ts'

export function addCompare(main: Command): void {
  addLogFlags(addLanguageFlag(addTraceEvaluationFlags(main.command('compare'))), 'warn')
    .description('compares policies on traces with the cheapest fleet that had known the future')
    .option('--policy <name>', 'a kind, or a name from the config; may be given several times (all)', collect)
    .option('--json <file>', 'write the figures there')
    .addOption(new OptionFlag('--copies <count>', 'comparison.copies').argParser(number))
    .addOption(new OptionFlag('--restart <what>', 'comparison.restart').choices(['none', 'keep', 'forget']))
    .option('--price <amount>', 'of a server an hour, on demand', number)
    .option('--business-hours <from-to@price>', 'price on demand from Monday to Friday between these hours')
    .option('--reserved <count@price>', 'servers that are paid for all the time, and their price')
    .option(
      '--spot <share@price>',
      'of the servers above the reserved that are spot servers, and their price',
    )
    .addOption(new OptionFlag('--interruptions <count>', 'comparison.interruptions').argParser(number))
    .option('--svg <file>', 'draw overload against cost there')
    .option('--report <file>', 'write a report there, one HTML file')
    .action(async (flags: CompareFlags) => run((await import('./compare.ts')).compare, flags))
}
