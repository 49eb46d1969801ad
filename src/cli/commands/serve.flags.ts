import type { Command } from 'commander'
import { addBrokerFlags, addFleetFlags, addLogFlags, CONFIG, collect, DECISIONS, number } from '../flags.ts'
import { PRINT_CONFIG, type PrintConfigFlags, printConfig } from '../print-config.ts'
import { runCommand as run } from '../run-command.ts'
import type { ServeFlags } from './serve.ts'

/** A server process loads while the command does. */
async function serveWithStartedServer(flags: ServeFlags, signal: AbortSignal): Promise<void> {
  const { withStartedServer } = await import('../../live/process-module.ts')
  await withStartedServer(async (started) => (await import('./serve.ts')).serve(flags, signal, started))
}

export function addServe(main: Command): void {
  addBrokerFlags(addLogFlags(addFleetFlags(main.command('serve'))), false)
    .description('a live fleet on this machine for real users, until it is stopped')
    .option(...CONFIG)
    .option('--host <address>', 'to listen on (127.0.0.1)')
    .option('--port <port>', 'of the chat (8080)', number)
    .option('--control-port <port>', 'of dashboard, control API and metrics (8081)', number)
    .option('--data <folder>', 'keep the rooms there (concertina-data)')
    .option(...DECISIONS)
    .option('--anonymous', 'users may come without a token')
    .option(
      '--origin <origin>',
      'whose pages may connect, such as https://*.example.org; may be given several times',
      collect,
    )
    .option(
      '--trusted-proxy <address>',
      'address or range of a proxy that is believed about its clients (X-Forwarded-For, Forwarded); may be given several times',
      collect,
    )
    .option('--proxy-protocol', 'connections of trusted proxies begin with a PROXY header, version 1 or 2')
    .option(...PRINT_CONFIG)
    .action(async (flags: ServeFlags & PrintConfigFlags) =>
      flags.printConfig ? run(printConfig, flags) : run(serveWithStartedServer, flags, { service: true }),
    )
}
