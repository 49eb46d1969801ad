import { hasConfigVariables } from '../environment.ts'
import type { CheckedConfig } from './config.ts'

/** The config of a service, as `readChecked` has it. Without a file and variables, what reads them is not even loaded. */
export async function givenConfig(file: string | undefined): Promise<CheckedConfig> {
  if (file === undefined && !hasConfigVariables()) return { config: {}, options: {} }
  return (await import('./config.ts')).readChecked(file)
}
