import { Signal } from '../base/signal.ts'
import type { ChatClient } from '../client/chat-client.ts'
import type { ChatClientEvents } from '../client/chat-client-options.ts'
import type { JoinOptions } from '../client/client-room.ts'
import type { RoomMessage } from '../protocol/messages.ts'

/** A message to show: with the newest edit, and without what was deleted. */
export interface ShownMessage extends RoomMessage {
  readonly edited?: true
}

/** A room as a component shows it. */
export interface RoomState {
  readonly status: 'joining' | 'joined' | 'failed'
  /** Why the room is not joined (any more). */
  readonly error: Error | undefined
  /** In order; edits are applied, deleted messages and changes left out. */
  readonly messages: readonly ShownMessage[]
  readonly members: number
  /** By name, where the room names them. */
  readonly users: readonly string[] | undefined
  /** Who is typing. */
  readonly typing: readonly string[]
  /** Whether the room may have older messages than these. */
  readonly hasOlder: boolean
}

export const EMPTY_ROOM: RoomState = {
  status: 'joining',
  error: undefined,
  messages: [],
  members: 0,
  users: undefined,
  typing: [],
  hasOlder: true,
}

/** Milliseconds for which a user counts as typing. */
const TYPING_MS = 3000
const OLDER_PAGE = 50

/** One room of a client, joined while a component watches it. */
export class RoomStore {
  readonly #client: ChatClient
  readonly #name: string
  readonly #options: JoinOptions
  readonly #changes = new Signal<void>()
  readonly #typing = new Map<string, ReturnType<typeof setTimeout>>()
  /** Counts how often the room was joined and left: what was asked for before is of another visit. */
  #visit = 0
  #stops: (() => void)[] = []
  #loading: Promise<void> | undefined
  /** Everything from this place on was fetched. */
  #before = Number.MAX_SAFE_INTEGER
  #state = EMPTY_ROOM

  constructor(client: ChatClient, name: string, options: JoinOptions) {
    this.#client = client
    this.#name = name
    this.#options = options
  }

  /** What is known of the room; another object after every change. */
  get state(): RoomState {
    return this.#state
  }

  /** Calls `listener` after every change. The first one joins the room; when the last one has ended, it is left. */
  subscribe(listener: () => void): () => void {
    const unsubscribe = this.#changes.subscribe(listener)
    if (this.#changes.size === 1) this.#start()
    return () => {
      const before = this.#changes.size
      unsubscribe()
      if (before > 0 && this.#changes.size === 0) this.#stop()
    }
  }

  /** Fetches up to 50 messages before the oldest one that is known. */
  loadOlder(): Promise<void> {
    return this.#load(OLDER_PAGE)
  }

  #load(count: number): Promise<void> {
    const loading =
      this.#loading ??
      this.#loadPages(count).finally(() => {
        if (this.#loading === loading) this.#loading = undefined
      })
    this.#loading = loading
    return loading
  }

  /** Changes are entries, too, which are not shown: it may take several pages. */
  async #loadPages(count: number): Promise<void> {
    const visit = this.#visit
    for (let found = 0; found < count && this.#state.hasOlder; ) {
      const { messages, first } = await this.#client.history(this.#name, this.#before, count - found)
      if (visit !== this.#visit) return
      const shown = messages
        .filter((each) => each.edits === undefined && each.deletes === undefined && !each.deleted)
        .map((each): ShownMessage => (each.editedAt === undefined ? each : { ...each, edited: true }))
      found += shown.length
      this.#before = messages[0]?.seq ?? first
      this.#set({ messages: [...shown, ...this.#state.messages], hasOlder: this.#before > first })
    }
  }

  #set(change: Partial<RoomState>): void {
    this.#state = { ...this.#state, ...change }
    this.#changes.emit()
  }

  #start(): void {
    const ofRoom = (event: { room?: string | undefined }) => event.room === this.#name
    this.#visit++
    this.#loading = undefined
    this.#before = Number.MAX_SAFE_INTEGER
    this.#set(EMPTY_ROOM)
    this.#stops = [
      this.#client.on('message', (message) => ofRoom(message) && this.#receive(message)),
      this.#client.on('resumed', (joined) => ofRoom(joined) && this.#joined(joined)),
      this.#client.on('presence', (event) => {
        if (!ofRoom(event)) return
        const { members, joined = [], left = [] } = event
        const known = event.users ?? this.#state.users
        const users = known && [...new Set([...known.filter((user) => !left.includes(user)), ...joined])]
        const isNamed = event.users !== undefined || joined.length + left.length > 0
        this.#set({ members, users: isNamed ? users : undefined })
      }),
      this.#client.on('typing', (event) => ofRoom(event) && this.#setTyping(event.user)),
      this.#client.on('error', ({ room, code, message }) => {
        if (room === this.#name) this.#set({ status: 'failed', error: new Error(`${code}: ${message}`) })
      }),
    ]
    const { history: _, ...options } = this.#options
    const visit = this.#visit
    this.#client.join(this.#name, options).catch((error: Error) => {
      // That a visit ended is not a failure of the next one.
      if (visit === this.#visit) this.#set({ status: 'failed', error })
    })
  }

  #joined({ members, users, cursor }: ChatClientEvents['resumed']): void {
    const isFirst = this.#state.status !== 'joined' && this.#before === Number.MAX_SAFE_INTEGER
    this.#set({ status: 'joined', error: undefined, members, users })
    if (!isFirst) return
    this.#before = cursor.seq + 1
    const { history = 0 } = this.#options
    // What cannot be fetched now can be later, by `loadOlder`.
    if (history > 0) this.#load(history).catch(() => {})
  }

  #stop(): void {
    for (const stop of this.#stops) stop()
    this.#stops = []
    for (const timer of this.#typing.values()) clearTimeout(timer)
    this.#typing.clear()
    this.#visit++
    this.#state = EMPTY_ROOM // without its messages: an app may show many rooms one after the other
    this.#client.leave(this.#name)
  }

  #receive(message: RoomMessage): void {
    const { edits, deletes, deleted, seq, user, body, data } = message
    this.#clearTyping(user)
    const { messages } = this.#state
    if (deletes !== undefined) this.#set({ messages: messages.filter((each) => each.seq !== deletes) })
    else if (edits !== undefined) {
      if (deleted) return
      this.#set({
        messages: messages.map((each) => {
          if (each.seq !== edits) return each
          const { data: _, ...rest } = each
          return { ...rest, body, ...(data && { data }), edited: true as const }
        }),
      })
    } else if (!deleted && !messages.some((each) => each.seq === seq)) {
      this.#set({ messages: [...messages, message] })
    }
  }

  #setTyping(user: string): void {
    clearTimeout(this.#typing.get(user))
    this.#typing.set(
      user,
      setTimeout(() => this.#clearTyping(user), TYPING_MS),
    )
    this.#set({ typing: [...this.#typing.keys()] })
  }

  #clearTyping(user: string): void {
    if (!this.#typing.has(user)) return
    clearTimeout(this.#typing.get(user))
    this.#typing.delete(user)
    this.#set({ typing: [...this.#typing.keys()] })
  }
}
