import type { Command } from 'commander'
import { number } from '../flags.ts'
import { runCommand as run } from '../run-command.ts'
import type { DoctorFlags } from './doctor.ts'

export function addDoctor(main: Command): void {
  main
    .command('doctor')
    .description('whether this machine can run a fleet: Node.js, descriptors, ports, disk, lock')
    .option('--host <address>', 'to listen on (127.0.0.1)')
    .option('--port <port>', 'of the chat (8080)', number)
    .option('--control-port <port>', 'of the dashboard (8081)', number)
    .option('--data <folder>', 'of the room log (concertina-data)')
    .action(async (flags: DoctorFlags) => run((await import('./doctor.ts')).doctor, flags))
}
