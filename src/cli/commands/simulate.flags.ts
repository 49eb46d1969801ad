import type { Command } from 'commander'
import { addLogFlags, addRunFlags, addTraceFlags, CONFIG, DECISIONS, RUN_REPORT } from '../flags.ts'
import { number, OptionFlag } from '../option-flag.ts'
import { runCommand as run } from '../run-command.ts'
import type { SimulateFlags } from './simulate.ts'

export function addSimulate(main: Command): void {
  addLogFlags(addTraceFlags(addRunFlags(main.command('simulate'))), 'warn')
    .description('the demo in virtual time, as fast as the machine can')
    .option(...CONFIG)
    .option('--json', 'print the result as JSON')
    .option('--events <file>', 'write the scaling decisions there, one JSON object a line')
    .option(...DECISIONS)
    .option(...RUN_REPORT)
    .option('--watch', 'serve a dashboard to watch and control it, in real time')
    .addOption(new OptionFlag('--port <port>', 'watch.port').argParser(number))
    .addOption(new OptionFlag('--pace <factor>', 'watch.pace').argParser(number))
    .action(async (flags: SimulateFlags) => run((await import('./simulate.ts')).simulate, flags))
}
