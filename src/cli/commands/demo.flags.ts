import type { Command } from 'commander'
import { addBrokerFlags, addLogFlags, addRunFlags, DECISIONS, RUN_REPORT } from '../flags.ts'
import { number, OptionFlag } from '../option-flag.ts'
import { runCommand as run } from '../run-command.ts'
import { addDemoProviderFlags } from '../workload-flags.ts'
import type { DemoFlags } from './demo.ts'

export function addDemo(main: Command): void {
  addLogFlags(addDemoProviderFlags(addBrokerFlags(addRunFlags(main.command('demo'), 'demo'), false)))
    .description('virtual users come and go and the fleet follows, in real time')
    .addOption(new OptionFlag('--live', 'demo.live'))
    .option('--config <file>', 'of a live run: take everything that no flag gives from a YAML file')
    .addOption(new OptionFlag('--data <folder>', 'demo.data'))
    .addOption(new OptionFlag('--port <port>', 'demo.port').argParser(number))
    .addOption(new OptionFlag('--control-port <port>', 'demo.controlPort').argParser(number))
    .option('--history <file>', 'write what every virtual user did and saw, for verify')
    .option(...DECISIONS)
    .option(...RUN_REPORT)
    .action(async (flags: DemoFlags) => run((await import('./demo.ts')).demo, flags))
}
