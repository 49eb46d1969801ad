import { z } from 'zod'
import { check, count, type Filled, option, optionSet, seconds, within } from '../../base/options.ts'

/** Who may send in a room. */
const PUBLISHERS = ['everyone', 'moderators', 'server'] as const

/** What a config file may say of rooms whose names begin with the same text. */
const roomOptions = optionSet({
  historyMessages: option(count.max(1000), 'newest messages of a room that users can read; all'),
  historySeconds: option(seconds, 'age of the oldest messages that users can read; any'),
  presence: option(z.boolean(), 'whether members learn who else is in the room, and how many', true),
  publish: option(
    z.enum(PUBLISHERS),
    'who may send: everyone whose token allows it, only moderators, or only the server API',
    'everyone',
  ),
  maxMembers: option(count, 'users in a room at once; no bound'),
  slowModeSeconds: option(
    seconds.max(86_400),
    'seconds between two messages of a user, moderators excepted; no such bound',
  ),
})

export const namespaceOptions = z.record(z.string().max(128), roomOptions.schema)

/** Options by the beginning of room names; of several that fit, the longest counts. `''` is for every room. */
export type NamespaceOptions = z.input<typeof namespaceOptions>

/** What holds for a room. */
export type RoomRules = Filled<typeof roomOptions.shape>

const DEFAULT_RULES: RoomRules = roomOptions.parse({})

/** Finds the rules of a room by its name. */
export class Namespaces {
  #rules: readonly (readonly [prefix: string, rules: RoomRules])[] = []

  /** @throws {ConcertinaError} INVALID_INPUT, naming the option. */
  constructor(options: NamespaceOptions = {}) {
    this.configure(options)
  }

  /**
   * Other rules apply from now on.
   * @throws {ConcertinaError} INVALID_INPUT, naming the option.
   */
  configure(options: NamespaceOptions = {}): void {
    checkNamespaces(options)
    this.#rules = Object.entries(options)
      .map(([prefix, rules]) => [prefix, roomOptions.parse(rules)] as const)
      .sort(([a], [b]) => b.length - a.length)
  }

  /** The rules of the longest beginning of the room's name that has some. */
  of(room: string): RoomRules {
    return this.#rules.find(([prefix]) => room.startsWith(prefix))?.[1] ?? DEFAULT_RULES
  }
}

/** @throws {ConcertinaError} INVALID_INPUT, naming the option. */
export function checkNamespaces(options: NamespaceOptions | undefined): void {
  within('namespaces', () => check(namespaceOptions, options ?? {}))
}
