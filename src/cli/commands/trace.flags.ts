import type { Command } from 'commander'
import type { TraceFormat } from '../../traffic/traces/format.ts'
import { addLanguageFlag, addReadingFlags } from '../flags.ts'
import { runCommand as run } from '../run-command.ts'
import type { TraceInfoFlags } from './trace.ts'

/** @param formats of traces, that the help lists */
export function addTrace(main: Command, formats: readonly TraceFormat[]): void {
  const traces = main.command('trace').description('files of recorded load')
  addLanguageFlag(addReadingFlags(traces.command('info')))
    .description('what was read from a file, with a small chart')
    .argument('<file>', 'of any format, compressed by gzip or not')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      () =>
        `\nFormats:\n${formats.map(({ name, description }) => `  ${name.padEnd(12)} ${description}`).join('\n')}\n`,
    )
    .action(async (file: string, flags: TraceInfoFlags) =>
      run(async () => (await import('./trace.ts')).traceInfo(file, flags), flags),
    )
}
