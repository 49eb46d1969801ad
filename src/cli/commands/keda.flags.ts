import type { Command } from 'commander'
import { addLogFlags, addScalingFlags } from '../flags.ts'
import { number, OptionFlag } from '../option-flag.ts'
import { runCommand as run } from '../run-command.ts'
import { addPrometheusFlags } from '../workload-flags.ts'
import type { KedaFlags } from './keda.ts'

export function addKeda(main: Command): void {
  addLogFlags(addPrometheusFlags(addScalingFlags(main.command('keda'))))
    .description("an external scaler for KEDA: any policy's desired size for a ScaledObject")
    .addOption(new OptionFlag('--host <address>', 'keda.host'))
    .addOption(new OptionFlag('--port <port>', 'keda.port').argParser(number))
    .addOption(new OptionFlag('--startup-delay <seconds>', 'simulated.startupDelay').argParser(number))
    .addOption(new OptionFlag('--activation-load <load>', 'keda.activationLoad').argParser(number))
    .addOption(new OptionFlag('--fallback-servers <count>', 'keda.fallbackServers').argParser(number))
    .action(async (flags: KedaFlags) => run((await import('./keda.ts')).keda, flags, { service: true }))
}
