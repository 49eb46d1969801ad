const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/i

const nameOf = (host: string) => host.replace(/:\d+$/, '')

/** Whether this is a name of the machine itself. */
export function isLoopbackName(host: string): boolean {
  return LOOPBACK.test(nameOf(host))
}

/**
 * Whether a browser's page may connect: one from an origin of the list, or one that this very server gave it under a name
 * of this machine (any other name could be somebody else's that points here). What is no browser sends no origin.
 */
export function originAllowed(
  headers: { origin?: string | undefined; host?: string | undefined },
  allowed: readonly string[],
): boolean {
  const { origin, host = '' } = headers
  if (origin === undefined) return true
  if (allowed.includes(origin)) return true
  return isLoopbackName(host) && (origin === `http://${host}` || origin === `https://${host}`)
}
