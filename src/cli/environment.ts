/** How the variables begin that set keys of the config. */
export const CONFIG_PREFIX = 'CONCERTINA_'

/** A variable of the environment, without the line break that files and shells leave at its end; `undefined` when it is empty. */
export function environment(name: string): string | undefined {
  return process.env[name]?.trim() || undefined
}

/** Whether some variable may set a key of the config. */
export const hasConfigVariables = (): boolean =>
  Object.keys(process.env).some((name) => name.startsWith(CONFIG_PREFIX))
