import type { Command } from 'commander'
import { addLanguageFlag } from '../flags.ts'
import { number } from '../option-flag.ts'
import { runCommand as run } from '../run-command.ts'
import type { ExplainFlags } from './explain.ts'

export function addExplain(main: Command): void {
  addLanguageFlag(main.command('explain'))
    .description('explains each decision of a log in words')
    .argument('<file>', 'what --decisions or --events wrote; - is the standard input')
    .option('--line <number>', 'only this line', number)
    .option('--changes', 'only what changed the number of servers, and other events')
    .action(async (file: string, flags: ExplainFlags) =>
      run(async (_, signal) => (await import('./explain.ts')).explain(file, flags, signal), flags),
    )
}
