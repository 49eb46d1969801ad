import type { Talker } from '../chat/api/talkers.ts'

/** What one server announces of its members of one room: names where they are few, otherwise how many. */
export interface Announcement {
  readonly server: string
  readonly users?: readonly string[]
  readonly members: number
  /** Whether the other servers should announce theirs, since this one has just come to the room. */
  readonly ask?: true
}

/** The same of one room for the directories of the cluster, while there are any. */
export interface DirectoryEntry extends Omit<Announcement, 'ask'> {
  readonly number: number
  readonly room: string
}

/** Who sent most on one server in the last minute. */
export interface ServerTalkers {
  readonly server: string
  readonly number: number
  readonly talkers: readonly Talker[]
}

/** Sent by each server every second, and once when it ends. */
export interface Heartbeat {
  readonly server: string
  readonly ends?: true
}

/** What another server announced last of its members of a room. */
export interface RemoteMembers {
  readonly members: number
  /** Absent where they are many. */
  readonly users: readonly string[] | undefined
  /** The number of the check after which it came. */
  readonly heard: number
}

export const CHECK_MS = 1000
/** Checks without a heartbeat after which a server is gone, with all its users. */
export const SILENT_CHECKS = 5
/** Each room is announced at least once in this many checks: what was lost is right again by then. */
export const ANNOUNCE_CHECKS = 10
/** Checks without an announcement after which a server counts as having no members in a room: the notice that they left was lost. */
const STALE_CHECKS = 2 * ANNOUNCE_CHECKS + SILENT_CHECKS

export const HEARTBEAT_TOPIC = 'alive'
export const DIRECTORY_TOPIC = 'directory'
/** Published by each server every second while there are directories. */
export const TALKERS_TOPIC = 'talkers'
/** Published by each directory every second. */
export const DIRECTORY_ASK_TOPIC = 'directory-ask'
/** What a directory publishes there that does not know anything yet. */
export const ASK_ALL = 'all'

/**
 * Removes what was not announced again for too long, and returns the keys of it.
 * @param checks made until now
 * @param since the check from which on everything announced could be heard
 */
export function dropStale<K>(announced: Map<K, RemoteMembers>, checks: number, since: number): K[] {
  const stale = [...announced].filter(([, { heard }]) => checks - Math.max(heard, since) > STALE_CHECKS)
  for (const [key] of stale) announced.delete(key)
  return stale.map(([key]) => key)
}
