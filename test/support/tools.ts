/** Whether a tool that tests need is there. Says once what to install; in CI a missing one is a failure. */
export function requireTool(found: boolean, wanted: string): boolean {
  if (found) return true
  if (process.env.CI) throw new Error(wanted)
  console.log(wanted)
  return false
}
