/**
 * Why a connection was closed. From 4000 to 4499 the same connection would be rejected again: do not try it; from 4500,
 * and for 1001, 1006, 1012 and 1013, connect again and resume.
 */
export const CLOSE = {
  /** The server shuts down; resume on another. */
  restart: 1012,
  /** The token cannot be verified now (its issuer is away), or is not valid yet: the same attempt may succeed later. */
  tryLater: 1013,
  tooLarge: 1009,
  badMessage: 4400,
  unauthorized: 4401,
  /** A moderator ended the connection; the reason says why. */
  removed: 4403,
  /** The token has expired: reconnect with another. */
  expired: 4510,
  rateLimited: 4529,
} as const

/** Whether a client may connect again after this close code. */
export function mayReconnect(code: number): boolean {
  return !(code >= 4000 && code < 4500) && ![1002, 1003, 1007, CLOSE.tooLarge].includes(code)
}
