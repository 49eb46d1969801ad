import type { Command } from 'commander'
import { addBrokerFlags, addLogFlags, addTelemetryFlags, CONFIG } from '../flags.ts'
import { number, OptionFlag } from '../option-flag.ts'
import { PRINT_CONFIG, type PrintConfigFlags, printConfig } from '../print-config.ts'
import { runCommand as run } from '../run-command.ts'
import type { ServerFlags } from './server.ts'

export function addServer(main: Command): void {
  addTelemetryFlags(addLogFlags(addBrokerFlags(main.command('server'))))
    .description('one chat server of a cluster, until it is stopped; SIGTERM drains it')
    .option(...CONFIG)
    .addOption(new OptionFlag('--host <address>', 'live.host'))
    .addOption(new OptionFlag('--port <port>', 'live.port').argParser(number))
    .option('--advertise <url>', 'address at which clients reach this very server, past any load balancer')
    .option('--ref <name>', "the platform's name of this server, like its pod's (POD_NAME)")
    .addOption(new OptionFlag('--drain-seconds <seconds>', 'server.drainSeconds').argParser(number))
    .addOption(new OptionFlag('--leave-seconds <seconds>', 'server.leaveSeconds').argParser(number))
    .option('--aws-notices', 'on EC2: ask to be replaced when AWS announces the end of the instance')
    .option('--anonymous', 'users may connect without a token')
    .addOption(new OptionFlag('--access-log <file>', 'live.accessLog'))
    .option(...PRINT_CONFIG)
    .action(async (flags: ServerFlags & PrintConfigFlags) =>
      flags.printConfig
        ? run(printConfig, flags)
        : run((await import('./server.ts')).server, flags, { service: true }),
    )
}
