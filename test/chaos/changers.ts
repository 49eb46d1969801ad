import { setTimeout as sleep } from 'node:timers/promises'
import { deletionId } from '../../src/chat/rooms/change-message.ts'
import { ChatClient } from '../../src/client/node.ts'
import { ServerApiClient } from '../../src/server-api/client.ts'
import type { HistoryListener } from '../../src/verify/events.ts'

/** Sessions of these users, beside those of the others. */
const FIRST_SESSION = 2_000_000
const BACKEND_SESSION = FIRST_SESSION + 9
const SERVER_USER = '$server'
/** Milliseconds between two changes. */
const PAUSE_MS = 40
const REPEAT_MS = 100
const PAGE = 200
/** How long what is asked for in the end may take, on a machine that has just been busy. */
const PATIENCE = { timeoutMs: 60_000 }

/** Edits, deletions and API requests that were acknowledged, and what the room shows otherwise than it should after them. */
export interface ChangesReport {
  readonly made: number
  readonly findings: readonly string[]
}

/**
 * A room whose users edit and delete what they sent, while a backend publishes there, edits and deletes. Whatever gets no answer is
 * repeated under the same id until it does; all of it is in the history that is checked, and what the room shows in the end is
 * compared with what was made of it.
 */
export class Changers {
  readonly #room: string
  readonly #url: string
  readonly #api: ServerApiClient
  readonly #onEvent: HistoryListener
  readonly #users: ChatClient[]
  /** What each message should show: its text, or nothing when it was deleted. */
  readonly #shown = new Map<number, string | undefined>()
  readonly #unanswered = new Set<string>()
  readonly #running: Promise<unknown>
  #ending = false
  #head = 0
  #ids = 0
  #made = 0

  constructor(url: string, api: { url: string; key: string }, name: string, onEvent: HistoryListener) {
    this.#room = `${name}-changes`
    this.#url = url
    this.#api = new ServerApiClient({ ...api, timeoutMs: 3000 })
    this.#onEvent = onEvent
    this.#users = [0, 1].map((i) => this.#user(FIRST_SESSION + i, `${name}-changer-${i}`))
    onEvent({ type: 'join', session: BACKEND_SESSION, user: SERVER_USER, room: this.#room })
    this.#running = Promise.all([
      ...this.#users.map((user, i) => this.#talk(user, FIRST_SESSION + i)),
      this.#publish(),
    ])
  }

  #user(session: number, user: string): ChatClient {
    const client = new ChatClient({ url: this.#url, user })
    this.#onEvent({ type: 'join', session, user, room: this.#room })
    client.on('resumed', ({ cursor }) => this.#onEvent({ type: 'resumed', session, ...cursor }))
    client.on('message', ({ seq, prevSeq, user: from, id }) =>
      this.#onEvent({ type: 'message', session, seq, prevSeq, user: from, id, at: 0 }),
    )
    client.on('gap', ({ from, to }) => this.#onEvent({ type: 'gap', session, from, to }))
    return client
  }

  /** Does something under an id until it is acknowledged. */
  async #make(session: number, id: string, act: () => Promise<{ seq: number }>): Promise<number> {
    this.#onEvent({ type: 'send', session, id, at: 0 })
    this.#unanswered.add(id)
    for (;;) {
      try {
        const { seq } = await act()
        this.#unanswered.delete(id)
        this.#onEvent({ type: 'ack', session, id, seq, at: 0 })
        this.#head = Math.max(this.#head, seq)
        return seq
      } catch (error) {
        const { code } = error as { code?: string }
        if (code === 'not-found' || code === 'forbidden' || code === 'NOT_FOUND') throw error
        await sleep(REPEAT_MS)
      }
    }
  }

  async #talk(client: ChatClient, session: number): Promise<void> {
    await client.join(this.#room, { timeoutMs: Infinity })
    for (let n = 0; !this.#ending; n++) {
      const name = `${session}-${++this.#ids}`
      const body = `message ${name}`
      const seq = await this.#make(session, name, () => client.send(this.#room, body, name))
      this.#shown.set(seq, body)
      if (n % 3 > 0) {
        const text = `edited ${name}`
        await this.#make(session, `${name}-e`, () => client.edit(this.#room, seq, text, `${name}-e`))
        this.#shown.set(seq, text)
        this.#made++
      }
      if (n % 3 > 1) {
        await this.#make(session, `${name}-d`, () => client.delete(this.#room, seq, `${name}-d`))
        this.#shown.set(seq, undefined)
        this.#made++
      }
      await sleep(PAUSE_MS)
    }
  }

  async #publish(): Promise<void> {
    for (let n = 0; !this.#ending; n++) {
      const id = `backend-${++this.#ids}`
      const body = `published ${id}`
      const seq = await this.#make(BACKEND_SESSION, id, () => this.#api.publish(this.#room, { id, body }))
      this.#shown.set(seq, body)
      if (n % 3 === 1) {
        const text = `edited ${id}`
        await this.#make(BACKEND_SESSION, `${id}-e`, () =>
          this.#api.edit(this.#room, seq, { id: `${id}-e`, body: text }),
        )
        this.#shown.set(seq, text)
      }
      if (n % 3 === 2) {
        await this.#make(BACKEND_SESSION, deletionId(seq), () => this.#api.delete(this.#room, seq))
        this.#shown.set(seq, undefined)
      }
      this.#made++
      await sleep(PAUSE_MS)
    }
  }

  /** Ends when everything was acknowledged and has arrived, or ten seconds later, and looks at what there is then. */
  async report(): Promise<ChangesReport> {
    await this.#settle()
    const unanswered = [...this.#unanswered].map((id) => `${this.#room}: ${id} is never answered`)
    return { made: this.#made, findings: [...unanswered, ...(await this.#findings())] }
  }

  async #settle(): Promise<void> {
    this.#ending = true
    await Promise.race([this.#running, sleep(PATIENCE.timeoutMs, undefined, { ref: false })])
    for (let i = 0; i < 500; i++) {
      if (this.#users.every((client) => (client.cursor(this.#room)?.seq ?? 0) >= this.#head)) return
      await sleep(20)
    }
  }

  /** What the room shows otherwise than it should, as sentences. */
  async #findings(): Promise<string[]> {
    const shown = new Map<number, string | undefined>()
    const late = new ChatClient({ url: this.#url, user: 'chaos-late' })
    try {
      await late.join(this.#room, PATIENCE)
      for (let before = Number.MAX_SAFE_INTEGER; ; ) {
        const { messages, first } = await late.history(this.#room, before, PAGE, PATIENCE)
        for (const { seq, body, deleted, edits, deletes } of messages)
          if (edits === undefined && deletes === undefined) shown.set(seq, deleted ? undefined : body)
        const oldest = messages[0]?.seq
        if (oldest === undefined || oldest <= first) break
        before = oldest
      }
    } finally {
      late.close()
    }
    const text = (body: string | undefined) => body ?? 'nothing'
    return [...this.#shown]
      .filter(([seq, body]) => shown.get(seq) !== body)
      .map(([seq, body]) => `${this.#room} ${seq} shows ${text(shown.get(seq))}, not ${text(body)}`)
  }

  end(): void {
    this.#ending = true
    for (const client of this.#users) client.close()
  }
}
