import type { Command } from 'commander'
import { number, OptionFlag } from '../option-flag.ts'
import { runCommand as run } from '../run-command.ts'
import type { DoctorFlags } from './doctor.ts'

export function addDoctor(main: Command): void {
  main
    .command('doctor')
    .description('whether this machine can run a fleet: Node.js, descriptors, ports, disk, lock')
    .addOption(new OptionFlag('--host <address>', 'live.host'))
    .addOption(new OptionFlag('--port <port>', 'live.port').argParser(number))
    .addOption(new OptionFlag('--control-port <port>', 'live.controlPort').argParser(number))
    .addOption(new OptionFlag('--data <folder>', 'live.data'))
    .action(async (flags: DoctorFlags) => run((await import('./doctor.ts')).doctor, flags))
}
