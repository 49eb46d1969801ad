import type { Command } from 'commander'
import { addLogFlags, addScalingFlags } from '../flags.ts'
import { number } from '../option-flag.ts'
import { runCommand as run } from '../run-command.ts'
import { addPrometheusFlags } from '../workload-flags.ts'
import type { KedaFlags } from './keda.ts'

export function addKeda(main: Command): void {
  addLogFlags(addPrometheusFlags(addScalingFlags(main.command('keda'))))
    .description("an external scaler for KEDA: any policy's desired size for a ScaledObject")
    .option('--host <address>', 'to listen on (127.0.0.1)')
    .option('--port <port>', 'of the scaler (6000)', number)
    .option('--startup-delay <seconds>', 'from the launch of a replica until it is ready (1)', number)
    .option(
      '--activation-load <load>',
      'active only above this load; else KEDA may scale to zero (0)',
      number,
    )
    .option(
      '--fallback-servers <count>',
      'at least this many while the load is missing (the last desired size)',
      number,
    )
    .action(async (flags: KedaFlags) => run((await import('./keda.ts')).keda, flags, { service: true }))
}
