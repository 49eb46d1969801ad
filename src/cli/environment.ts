/** A variable of the environment, without the line break that files and shells leave at its end; `undefined` when it is empty. */
export function environment(name: string): string | undefined {
  return process.env[name]?.trim() || undefined
}
