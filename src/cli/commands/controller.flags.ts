import type { Command } from 'commander'
import { addBrokerFlags, addFleetFlags, addLogFlags } from '../flags.ts'
import { PRINT_CONFIG, type PrintConfigFlags, printConfig } from '../print-config.ts'
import { runCommand as run } from '../run-command.ts'
import { addPrometheusFlags, addProviderFlags } from '../workload-flags.ts'
import type { ControllerFlags } from './controller.ts'

export function addController(main: Command): void {
  addLogFlags(
    addProviderFlags(addPrometheusFlags(addBrokerFlags(addFleetFlags(main.command('controller')), false))),
  )
    .description('scales the chat servers of a cluster, or any workload by a query of its load')
    .option(
      '--advertise <url>',
      'address at which other controllers reach this dashboard (the one it listens on)',
    )
    .option('--anonymous', 'users of local servers may connect without a token')
    .option('--print-hpa', 'print the HorizontalPodAutoscaler for --scale-by metric, and end')
    .option(...PRINT_CONFIG)
    .action(async (flags: ControllerFlags & PrintConfigFlags) =>
      flags.printConfig
        ? run(printConfig, flags)
        : run((await import('./controller.ts')).controller, flags, { service: true }),
    )
}
