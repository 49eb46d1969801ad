export interface PrintConfigFlags {
  config?: string
  printConfig?: boolean
}

export const PRINT_CONFIG = [
  '--print-config',
  'print the config as it was read, with variables applied and secrets masked, and end',
] as const

/** Any command with `--print-config`. */
export async function printConfig({ config }: PrintConfigFlags): Promise<void> {
  const { readPrintable } = await import('./config/config.ts')
  process.stdout.write(readPrintable(config))
}
