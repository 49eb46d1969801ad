import type { Command } from 'commander'
import { runCommand as run } from '../run-command.ts'
import type { ImportFlags } from './import.ts'

export function addImport(main: Command): void {
  main
    .command('import')
    .description(
      'a scaling policy of Kubernetes, KEDA or AWS as our config, with a line for each of its fields',
    )
    .argument('<file>', 'HorizontalPodAutoscaler or ScaledObject in YAML, or a scaling policy of AWS in JSON')
    .option('--metric <name>', 'what its metric is here, where the name does not say it: users, queued, …')
    .option('--name <name>', 'which one, where the file has several')
    .option('--json', 'print the config and the fields as JSON')
    .action(async (file: string, flags: ImportFlags) =>
      run(async () => (await import('./import.ts')).importFile(file, flags), flags),
    )
}
