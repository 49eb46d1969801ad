import type { Command } from 'commander'
import { addLogFlags, addRunFlags, addTraceFlags, CONFIG, DECISIONS, RUN_REPORT } from '../flags.ts'
import { number } from '../option-flag.ts'
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
    .option('--port <port>', 'of the dashboard (8080)', number)
    .option('--pace <factor>', 'virtual seconds per real second while it is watched (1)', number)
    .action(async (flags: SimulateFlags) => run((await import('./simulate.ts')).simulate, flags))
}
