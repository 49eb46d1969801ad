import type { Command } from 'commander'
import { runCommand as run } from '../run-command.ts'
import type { VerifyFlags } from './verify.ts'

export function addVerify(main: Command): void {
  main
    .command('verify')
    .description('checks a history of virtual users, and the room log, against the promise of a room')
    .requiredOption('--history <file>', 'what demo or load wrote')
    .option('--data <folder>', 'the folder of the room log, its fleet stopped')
    .option('--json', 'print the result as JSON')
    .action(async (flags: VerifyFlags) => run((await import('./verify.ts')).verify, flags))
}
