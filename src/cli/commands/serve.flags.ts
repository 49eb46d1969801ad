import type { Command } from 'commander'
import { withStartedServer } from '../../live/process-module.ts'
import {
  addBrokerFlags,
  addFleetFlags,
  addFleetsFlags,
  addLogFlags,
  addTelemetryFlags,
  CONFIG,
  DECISIONS,
} from '../flags.ts'
import { collect, number, OptionFlag } from '../option-flag.ts'
import { PRINT_CONFIG, type PrintConfigFlags, printConfig } from '../print-config.ts'
import { runCommand as run } from '../run-command.ts'
import type { ServeFlags } from './serve.ts'

/** A server process loads while the command does. */
async function serveWithStartedServer(flags: ServeFlags, signal: AbortSignal): Promise<void> {
  await withStartedServer(async (started) => (await import('./serve.ts')).serve(flags, signal, started))
}

export function addServe(main: Command): void {
  addTelemetryFlags(addBrokerFlags(addLogFlags(addFleetsFlags(addFleetFlags(main.command('serve')))), false))
    .description('a live fleet on this machine for real users, until it is stopped')
    .option(...CONFIG)
    .addOption(new OptionFlag('--host <address>', 'live.host'))
    .addOption(new OptionFlag('--port <port>', 'live.port').argParser(number))
    .addOption(new OptionFlag('--control-port <port>', 'live.controlPort').argParser(number))
    .addOption(new OptionFlag('--data <folder>', 'live.data'))
    .option(...DECISIONS)
    .option('--anonymous', 'users may connect without a token')
    .addOption(new OptionFlag('--origin <origin>', 'live.origins').argParser(collect))
    .addOption(new OptionFlag('--trusted-proxy <address>', 'live.trustedProxies').argParser(collect))
    .addOption(new OptionFlag('--proxy-protocol', 'live.proxyProtocol'))
    .addOption(new OptionFlag('--access-log <file>', 'live.accessLog'))
    .option(...PRINT_CONFIG)
    .action(async (flags: ServeFlags & PrintConfigFlags) =>
      flags.printConfig ? run(printConfig, flags) : run(serveWithStartedServer, flags, { service: true }),
    )
}
