import type { Command } from 'commander'
import { number, OptionFlag } from '../option-flag.ts'
import { runCommand as run } from '../run-command.ts'
import type { TokenFlags } from './token.ts'

export function addToken(main: Command): void {
  main
    .command('token')
    .description('a token for a user, signed with the secret in CONCERTINA_SECRET')
    .requiredOption('--user <name>', 'who it is for')
    .option('--rooms <patterns>', 'rooms to join and send to: names, or beginnings and *, by commas (*)')
    .option('--read-only <patterns>', 'rooms to join only')
    .option('--moderate <patterns>', 'rooms in which the user is a moderator')
    .option('--subscribe <room>', 'a token that admits to this one room, to be given with its join')
    .addOption(new OptionFlag('--expires-in <seconds>', 'token.expiresIn').argParser(number))
    .option('--id <id>', 'names the token, so that it can be revoked alone')
    .option('--issuer <name>', 'its iss, where the chat requires one')
    .option('--audience <name>', 'its aud, where the chat requires one')
    .action(async (flags: TokenFlags) => run((await import('./token.ts')).token, flags))
}
