import type { RoomMessage } from '../../src/client/browser.ts'
import { texts } from './texts.ts'

/** What the page offers to react with; reactions of other apps are shown, too. */
export const REACTIONS = ['👍', '❤️', '😂', '😮', '🎉'] as const
/** Messages whose reactions are kept. */
const MOST_PLACES = 5000
/** Different reactions that are shown under one message, and users that are named at one. */
const MOST_KEYS = 12
const MOST_NAMES = 20

/** What `data.reaction` of a message says: the convention of the protocol. */
interface Reaction {
  readonly to: number
  readonly key: string
  readonly removed?: true
}

/** Who reacted to a message with `key`. */
interface ReactionUsers {
  readonly key: string
  readonly users: readonly string[]
}

/** The reaction that a message is, if it is one. */
export function reactionOf({ data }: RoomMessage): Reaction | undefined {
  const { to, key, removed } = (data?.reaction ?? {}) as Partial<Reaction>
  if (typeof to !== 'number' || typeof key !== 'string') return undefined
  return { to, key, ...(removed && { removed }) }
}

/** The last that each user did with one reaction, by the user. */
type Latest = Map<string, { readonly seq: number; readonly removed: boolean }>

/** The reactions in a room. They may come in any order, as the past is fetched backwards: of each user's the last one counts. */
export class Reactions {
  readonly #places = new Map<number, Map<string, Latest>>()

  add({ to, key, removed }: Reaction, { user, seq }: RoomMessage): void {
    const keys = this.#places.get(to) ?? new Map<string, Latest>()
    this.#places.set(to, keys)
    const users: Latest = keys.get(key) ?? new Map()
    keys.set(key, users)
    if (seq >= (users.get(user)?.seq ?? 0)) users.set(user, { seq, removed: removed === true })
    const [oldest] = this.#places.keys()
    if (this.#places.size > MOST_PLACES) this.#places.delete(oldest!)
  }

  /** The reactions to the message at a place. */
  of(place: number): ReactionUsers[] {
    return [...(this.#places.get(place) ?? [])]
      .map(([key, users]) => ({
        key,
        users: [...users].filter(([, { removed }]) => !removed).map(([user]) => user),
      }))
      .filter(({ users }) => users.length > 0)
      .slice(0, MOST_KEYS)
  }

  has(place: number, key: string, user: string): boolean {
    return this.#places.get(place)?.get(key)?.get(user)?.removed === false
  }
}

/** The counts under a message, each a button that adds or removes the user's own reaction. */
export function reactionCounts(
  reactions: readonly ReactionUsers[],
  me: string,
  onToggle: (key: string) => void,
): HTMLElement {
  const bar = document.createElement('div')
  bar.className = 'reactions'
  bar.setAttribute('role', 'group')
  bar.setAttribute('aria-label', texts.reactions)
  for (const { key, users } of reactions) {
    const button = document.createElement('button')
    button.type = 'button'
    button.dataset.key = key
    button.textContent = `${key} ${users.length}`
    button.title = texts.names(users.slice(0, MOST_NAMES), Math.max(0, users.length - MOST_NAMES))
    button.setAttribute('aria-pressed', String(users.includes(me)))
    button.setAttribute('aria-label', texts.counted(key, users.length, button.title))
    button.addEventListener('click', () => onToggle(key))
    bar.append(button)
  }
  return bar
}
