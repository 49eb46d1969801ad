import { Argument, type Command } from 'commander'
import { runCommand as run } from '../run-command.ts'

export function addCompletion(main: Command): void {
  main
    .command('completion')
    .description('the script with which a shell completes commands and flags')
    .addArgument(new Argument('<shell>').choices(['bash', 'zsh', 'fish']))
    .action(async (shell: 'bash' | 'zsh' | 'fish', flags: object) =>
      run(async () => {
        ;(await import('../option-texts.ts')).describeFlags(main)
        return (await import('./completion.ts')).completion(shell, main)
      }, flags),
    )
}
