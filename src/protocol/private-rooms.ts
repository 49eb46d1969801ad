/**
 * Rooms whose names list their users: `@ann` is the personal room of ann, `@ann&bob` the one of ann and bob. Only they may be
 * in it, whatever their tokens allow.
 */
const PREFIX = '@'

const escaped = (name: string) => name.replaceAll('%', '%25').replaceAll('&', '%26')
const unescaped = (name: string) => name.replaceAll('%26', '&').replaceAll('%25', '%')

/** The name of the private room of these users, in whatever order they are given. */
export function privateRoom(...users: readonly string[]): string {
  return PREFIX + [...new Set(users)].sort().map(escaped).join('&')
}

export const isPrivate = (room: string): boolean => room.startsWith(PREFIX)

/** Whether a user belongs to a private room. A name that `privateRoom` would not make belongs to no one. */
export function belongsTo(room: string, user: string): boolean {
  const users = room.slice(PREFIX.length).split('&').map(unescaped)
  return users.includes(user) && room === privateRoom(...users)
}
