import type { ChatClient, ChatClientEvents, RoomMessage } from '../../src/client/browser.ts'
import { messageLine, noteLine, showDeleted, showEdited, tick } from './chat-message.ts'

/** Lines kept while the newest is visible, and while the user reads further back. */
const MOST_SHOWN = 500
const MOST_KEPT = 2000
/** Older messages that are fetched at once. */
const PAGE = 50
/** Pixels from an end of the list that count as being there. */
const NEAR = 80
const TYPING_MS = 3000

/** Names the messages of this page; `randomUUID` is there for pages that came by TLS only. */
const page = [...crypto.getRandomValues(new Uint8Array(6))]
  .map((byte) => byte.toString(16).padStart(2, '0'))
  .join('')
let sent = 0

/** One room of the page: its lines, who is there, and what is new. */
export class ChatRoom {
  readonly name: string
  readonly list = document.createElement('ol')
  readonly here = new Set<string>()
  members = 0
  /** Messages that arrived while the room was not visible. */
  unread = 0
  /** Whether the room is in sight. */
  #looking = false
  readonly #client: ChatClient
  readonly #changed: () => void
  /** Own messages that are shown and not delivered yet, in their order, by id. */
  readonly #pending = new Map<string, HTMLLIElement>()
  readonly #typing = new Map<string, number>()
  /** The places of the lines that are messages. */
  readonly #places = new WeakMap<Element, number>()
  #marker: HTMLLIElement | undefined
  /** Whether there is nothing older to fetch. */
  #whole = false
  #fetching = false

  /** @param changed called when something but the lines is different */
  constructor(name: string, client: ChatClient, changed: () => void) {
    this.name = name
    this.#client = client
    this.#changed = changed
    this.list.setAttribute('aria-label', `Messages in ${name}`)
    this.list.tabIndex = 0
    this.list.addEventListener('scroll', () => {
      if (this.list.scrollTop < NEAR) void this.#fetchOlder()
      if (this.atEnd) this.#seen()
    })
  }

  /** Whether the newest line is in sight. */
  get atEnd(): boolean {
    const { scrollHeight, scrollTop, clientHeight } = this.list
    return scrollHeight - scrollTop - clientHeight < NEAR
  }

  /** Whether this room is visible now; new messages are marked when it was not. */
  look(looking: boolean): void {
    if (this.#looking === looking) return
    this.#looking = looking
    if (!looking) {
      if (this.unread === 0) this.#unmark()
    } else if (this.atEnd) {
      this.#seen()
    }
  }

  /** Goes to the newest line, or to the first unread one when `unread`. */
  goToEnd(unread = false): void {
    if (unread && this.#marker) this.#marker.scrollIntoView()
    else this.list.scrollTop = this.list.scrollHeight
    if (this.atEnd && this.#looking) this.#seen()
  }

  /** Fetches older messages as long as there is nothing to scroll. */
  fillSight(): void {
    const { scrollHeight, clientHeight } = this.list
    if (scrollHeight <= clientHeight && clientHeight > 0) void this.#fetchOlder()
  }

  take(message: RoomMessage): void {
    const { user, id, seq } = message
    if (message.edits !== undefined || message.deletes !== undefined) {
      this.#change(message)
      return
    }
    this.#typing.delete(user)
    const own = this.#pending.get(id)
    if (own) {
      // It is placed in the room's order: after what came before, and before what is still in flight.
      this.#pending.delete(id)
      tick(own, '✓✓', 'delivered')
      this.#places.set(own, seq)
      this.#put(own)
    } else {
      if (!(this.#looking && this.atEnd) && user !== this.#client.user) this.#mark()
      const line = messageLine(message, user === this.#client.user)
      this.#places.set(line, seq)
      this.#put(line)
    }
    this.#changed()
  }

  /** Shows an edit or a deletion where its message is shown; a deleted message cannot be edited any more. */
  #change({ edits, deletes, body, deleted }: RoomMessage): void {
    const place = deletes ?? edits
    const line = [...this.list.children].find((each) => this.#places.get(each) === place)
    if (!(line instanceof HTMLLIElement)) return
    if (deletes !== undefined) showDeleted(line)
    else if (!deleted) showEdited(line, body)
  }

  note(text: string): void {
    this.#put(noteLine(text))
  }

  /** Takes who is in the room; an update without names is of a room too large for names. */
  roster(members: number, users: readonly string[] | undefined): void {
    this.members = members
    this.here.clear()
    for (const user of users ?? []) this.here.add(user)
    this.#changed()
  }

  presence({ members, joined, left, users }: ChatClientEvents['presence']): void {
    if (users || !(joined || left)) {
      this.roster(members, users)
      return
    }
    this.members = members
    for (const user of joined ?? []) this.here.add(user)
    for (const user of left ?? []) this.here.delete(user)
    this.#changed()
  }

  typed(user: string): void {
    if (user !== this.#client.user) this.#typing.set(user, Date.now() + TYPING_MS)
  }

  /** Who is typing now. */
  typing(): string {
    const now = Date.now()
    for (const [user, until] of this.#typing) if (until < now) this.#typing.delete(user)
    const names = [...this.#typing.keys()]
    const more = names.length > 3 ? ` and ${names.length - 3} more` : ''
    return names.length === 0 ? '' : `${names.slice(0, 3).join(', ')}${more} typing…`
  }

  /** Shows a message of one's own at once, and how far it has come. */
  send(body: string): void {
    const id = `${page}-${++sent}`
    const line = messageLine({ user: this.#client.user ?? '', body, time: Date.now() }, true)
    tick(line, '…', 'on its way')
    this.#unmark()
    this.#put(line)
    this.#pending.set(id, line)
    this.goToEnd()
    this.#client.send(this.name, body, id).then(
      ({ durability }) => {
        if (this.#pending.has(id)) tick(line, '✓', `safe (${durability})`)
      },
      (error: Error) => {
        this.#pending.delete(id)
        line.classList.add('failed')
        tick(line, `✗ not sent: ${error.message}`, `not sent: ${error.message}`)
      },
    )
  }

  /** Puts a line behind the others, before what is still on its way. */
  #put(line: HTMLLIElement): void {
    const { list } = this
    const end = this.atEnd
    const [waiting] = this.#pending.values()
    list.insertBefore(line, waiting ?? null)
    const most = end ? MOST_SHOWN : MOST_KEPT
    while (list.childElementCount > most) {
      list.firstElementChild!.remove()
      this.#whole = false
    }
    if (end) list.scrollTop = list.scrollHeight
  }

  #mark(): void {
    this.unread++
    if (this.#marker) return
    this.#marker = noteLine('new', 'marker')
    this.#put(this.#marker)
  }

  #seen(): void {
    if (this.unread === 0) return
    this.unread = 0
    this.#changed()
  }

  #unmark(): void {
    this.#marker?.remove()
    this.#marker = undefined
  }

  async #fetchOlder(): Promise<void> {
    const { list } = this
    const oldest = [...list.children].find((line) => this.#places.has(line))
    const before = oldest && this.#places.get(oldest)
    if (before === undefined || this.#whole || this.#fetching) return
    this.#fetching = true
    try {
      const { messages, first } = await this.#client.history(this.name, before, PAGE)
      this.#whole = (messages[0]?.seq ?? first) <= first
      const fromEnd = list.scrollHeight - list.scrollTop
      const lines = messages.map((message) => {
        const line = messageLine(message, message.user === this.#client.user)
        this.#places.set(line, message.seq)
        // What it changed is shown as it is now.
        line.hidden = message.edits !== undefined || message.deletes !== undefined
        return line
      })
      list.prepend(...lines)
      if (this.#whole) list.prepend(noteLine('the room begins here'))
      list.scrollTop = list.scrollHeight - fromEnd
    } catch {
      // There is no connection now: scrolling again asks again.
    } finally {
      this.#fetching = false
    }
  }
}
