import type { Command } from 'commander'
import { addBrokerFlags, addRunFlags, DECISIONS, number, RUN_REPORT } from '../flags.ts'
import { runCommand as run } from '../run-command.ts'
import { addDemoProviderFlags } from '../workload-flags.ts'
import type { DemoFlags } from './demo.ts'

export function addDemo(main: Command): void {
  addDemoProviderFlags(addBrokerFlags(addRunFlags(main.command('demo'), { scaleUpThreshold: 15 }), false))
    .description('users come and go, and the fleet follows, at the pace of real time')
    .option('--verbose', 'also print the reason of each decision')
    .option('--live', 'real server processes and WebSockets on this machine instead of simulated ones')
    .option('--config <file>', 'of a live run: take everything that no flag gives from a YAML file')
    .option('--data <folder>', 'keep the rooms there (in memory)')
    .option('--port <port>', 'of the live chat (any free one)', number)
    .option('--control-port <port>', 'of the live dashboard (any free one)', number)
    .option('--history <file>', 'write what every virtual user did and saw, for verify')
    .option(...DECISIONS)
    .option(...RUN_REPORT)
    .action(async (flags: DemoFlags) => run((await import('./demo.ts')).demo, flags))
}
