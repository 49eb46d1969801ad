import type { ChatClient, ChatClientEvents, RoomMessage } from '../../src/client/browser.ts'
import { MessageActions } from './chat-actions.ts'
import { ChatLines, NEAR } from './chat-lines.ts'
import { MessageLine } from './chat-message.ts'
import { Reactions, reactionCounts, reactionOf } from './chat-reactions.ts'
import { ReadPlace } from './chat-read.ts'
import { texts } from './texts.ts'

/** Older messages that are fetched at once. */
const PAGE = 50
const TYPING_MS = 3000

/** Names the messages of this page; `randomUUID` is there for pages that came by TLS only. */
const page = [...crypto.getRandomValues(new Uint8Array(6))]
  .map((byte) => byte.toString(16).padStart(2, '0'))
  .join('')
let sent = 0

/** One room of the page: its messages, who is there, and what is new. */
export class ChatRoom {
  readonly name: string
  readonly here = new Set<string>()
  members = 0
  /** Messages that arrived while the room was not visible. */
  unread = 0
  /** Whether the room is in sight. */
  #looking = false
  readonly #client: ChatClient
  readonly #changed: () => void
  readonly #lines = new ChatLines()
  readonly #actions: MessageActions
  readonly #reactions = new Reactions()
  readonly #readPlace: ReadPlace
  /** Own messages that are shown and not delivered yet, in their order, by id. */
  readonly #pending = new Map<string, MessageLine>()
  readonly #typing = new Map<string, number>()
  /** The places of the oldest and of the newest message that came, shown or not. */
  #oldest: number | undefined
  #newest = 0
  /** Where the user left off, until everything up to then has come. */
  #leftOff: { readonly read: number; readonly head: number } | undefined
  /** Messages older than those that came. */
  #older: 'more' | 'fetching' | 'none' = 'more'

  /** @param changed called when something but the lines is different */
  constructor(name: string, client: ChatClient, changed: () => void) {
    this.name = name
    this.#client = client
    this.#changed = changed
    this.#readPlace = new ReadPlace(name, client)
    this.list.setAttribute('aria-label', texts.messagesIn(name))
    this.list.dataset.empty = texts.noMessages
    this.list.tabIndex = 0
    this.list.addEventListener('scroll', () => {
      if (this.list.scrollTop < NEAR) void this.#fetchOlder()
      if (this.atEnd) this.#seen()
    })
    this.#actions = new MessageActions(this.#lines, {
      reacted: ({ seq }, key) => this.#reactions.has(seq!, key, this.#me),
      react: ({ seq }, key) => this.#react(seq!, key),
      edit: ({ seq, data }, body) => client.edit(name, seq!, body, undefined, { ...(data && { data }) }),
      delete: ({ seq }) => {
        client.delete(name, seq!).catch((error: Error) => this.note(texts.notDeleted(texts.problem(error))))
      },
    })
  }

  get list(): HTMLOListElement {
    return this.#lines.list
  }

  /** Whether the newest line is in sight. */
  get atEnd(): boolean {
    return this.#lines.atEnd
  }

  get #me(): string {
    return this.#client.user ?? ''
  }

  get #waiting(): MessageLine | undefined {
    return this.#pending.values().next().value
  }

  /** Whether this room is visible now; new messages are marked when it was not. */
  look(looking: boolean): void {
    if (this.#looking === looking) return
    this.#looking = looking
    if (!looking) {
      if (this.unread === 0) this.#lines.unmark()
    } else if (this.atEnd) {
      this.#seen()
    }
  }

  /** Goes to the newest line, or to the first unread one when `unread`. */
  goToEnd(unread = false): void {
    if (!(unread && this.#lines.goToMarker())) this.#lines.goToEnd()
    if (this.atEnd && this.#looking) this.#seen()
  }

  /** Shows where the user left off, now that the room is joined. */
  async showLeftOff(): Promise<void> {
    this.#leftOff = await this.#readPlace.leftOff()
    this.#markLeftOff()
  }

  /** Fetches older messages as long as there is nothing to scroll. */
  fillSight(): void {
    const { scrollHeight, clientHeight } = this.list
    if (scrollHeight <= clientHeight && clientHeight > 0) void this.#fetchOlder()
  }

  receive(message: RoomMessage): void {
    const { seq } = message
    this.#oldest ??= seq
    this.#newest = seq
    const reaction = reactionOf(message)
    if (message.edits !== undefined || message.deletes !== undefined) {
      this.#change(message)
    } else if (reaction) {
      this.#reactions.add(reaction, message)
      this.#showReactions(reaction.to)
    } else {
      this.#show(message)
    }
    if (this.#looking && this.atEnd) this.#readPlace.readTo(seq)
    this.#markLeftOff()
    this.#changed()
  }

  #show(message: RoomMessage): void {
    const { user, id, seq } = message
    this.#typing.delete(user)
    const own = this.#pending.get(id)
    const fresh = !own && user !== this.#me && !(this.#looking && this.atEnd)
    if (own) {
      // It is placed in the room's order: after what came before, and before what is still in flight.
      this.#pending.delete(id)
      own.tick('✓✓', texts.delivered)
      own.placed(seq)
    }
    this.#add(own ?? new MessageLine(message, user === this.#me))
    if (!fresh) return
    this.unread++
    this.#lines.markAfter(seq - 1)
  }

  /** Shows an edit or a deletion where its message is shown; a deleted message can no longer be edited. */
  #change({ edits, deletes, body, data, deleted, seq }: RoomMessage): void {
    const line = this.#lines.at(deletes ?? edits!)
    if (deletes !== undefined) line?.showDeleted()
    else if (!deleted) line?.showEdited(body, data, seq)
    this.#actions.update()
  }

  #showReactions(place: number): void {
    const react = (key: string) => this.#react(place, key)
    this.#lines.at(place)?.showReactions(reactionCounts(this.#reactions.of(place), this.#me, react))
  }

  /** Adds the user's own reaction to a message, or takes it away. */
  #react(to: number, key: string): void {
    const reaction = { to, key, ...(this.#reactions.has(to, key, this.#me) && { removed: true }) }
    this.#client
      .send(this.name, '', `${page}-${++sent}`, { data: { reaction } })
      .catch((error: Error) => this.note(texts.keyNotSent(key, texts.problem(error))))
  }

  note(text: string): void {
    this.#trimmed(this.#lines.note(text, this.#waiting))
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
    return names.length === 0
      ? ''
      : texts.typing(texts.names(names.slice(0, 3), 0), Math.max(0, names.length - 3))
  }

  /** Shows a message of one's own at once, and how far it has come. */
  send(body: string): void {
    const id = `${page}-${++sent}`
    const line = new MessageLine({ user: this.#me, body, time: Date.now() }, true)
    line.tick('…', texts.onItsWay)
    this.#lines.unmark()
    this.#trimmed(this.#lines.add(line))
    this.#pending.set(id, line)
    this.goToEnd()
    this.#client.send(this.name, body, id).then(
      ({ durability }) => {
        if (this.#pending.has(id)) line.tick('✓', texts.safe(durability))
      },
      (error: Error) => {
        this.#pending.delete(id)
        line.item.classList.add('failed')
        const problem = texts.notSent(texts.problem(error))
        line.tick(`✗ ${problem}`, problem)
      },
    )
  }

  /** Puts a message behind the others, before what is still on its way. */
  #add(line: MessageLine): void {
    this.#trimmed(this.#lines.add(line, this.#waiting))
    if (this.#reactions.of(line.seq!).length > 0) this.#showReactions(line.seq!)
    this.#actions.update()
  }

  /** Older lines had to go: scrolling back fetches them again. */
  #trimmed(trimmed: boolean): void {
    if (!trimmed) return
    if (this.#older === 'none') this.#older = 'more'
    for (const { seq } of this.#lines.messages()) {
      if (seq === undefined) continue
      this.#oldest = seq
      return
    }
  }

  #seen(): void {
    this.#readPlace.readTo(this.#newest)
    if (this.unread === 0) return
    this.unread = 0
    this.#changed()
  }

  #markLeftOff(): void {
    if (!this.#leftOff || this.#newest < this.#leftOff.head) return
    const { read } = this.#leftOff
    this.#leftOff = undefined
    const unread = [...this.#lines.messages()].filter(
      ({ seq, own }) => seq !== undefined && seq > read && !own,
    )
    this.unread = Math.max(this.unread, unread.length)
    this.#lines.markAfter(read)
    if (this.#looking) this.goToEnd(true)
    this.#changed()
  }

  async #fetchOlder(): Promise<void> {
    if (this.#oldest === undefined || this.#older !== 'more') return
    this.#older = 'fetching'
    try {
      const { messages, first } = await this.#client.history(this.name, this.#oldest, PAGE)
      const oldest = messages[0]?.seq ?? first
      this.#oldest = Math.min(this.#oldest, oldest)
      this.#older = oldest <= first ? 'none' : 'more'
      // Where there was nothing but reactions and edits, nothing can be scrolled: on to what is before.
      if (this.#showOlder(messages) === 0) await this.#fetchOlder()
    } catch {
      // There is no connection now: scrolling again asks again.
    } finally {
      if (this.#older === 'fetching') this.#older = 'more'
    }
  }

  /** Returns how many lines there are of it; edits and deletions have none: history has what they changed as it is now. */
  #showOlder(messages: readonly RoomMessage[]): number {
    const lines: MessageLine[] = []
    for (const message of messages) {
      const reaction = reactionOf(message)
      if (reaction) this.#reactions.add(reaction, message)
      else if (message.edits === undefined && message.deletes === undefined)
        lines.push(new MessageLine(message, message.user === this.#me))
    }
    this.#lines.prepend(lines, this.#older === 'none' ? texts.roomBegins : undefined)
    // A reaction comes after its message, which may be shown from this page on only.
    for (const { seq } of lines) this.#showReactions(seq!)
    this.#actions.update()
    return lines.length
  }
}
