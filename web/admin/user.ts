import type { ChatService } from '../../src/chat/api/chat-service.ts'
import { get, post } from '../lib/api.ts'
import { button, make, set, sureButton } from '../lib/dom.ts'
import { KeyedList } from '../lib/keyed-list.ts'
import { DecisionList } from './decisions.ts'
import { texts } from './texts.ts'
import { column, field, link, type Page, panel, path, type View } from './view.ts'

type User = ReturnType<ChatService['user']>

/** A user: where the user is, what holds for the user, and what may be decided. */
export function userView(user: string, page: Page): View {
  const state = make('p', 'quiet')
  const list = make('ul', 'rows')
  const rooms = new KeyedList<User['rooms'][number]>(
    list,
    ({ room }) => room,
    ({ room }) => {
      const item = make('li')
      const note = make('span', 'quiet note')
      item.append(link('room', room), note)
      return {
        item,
        update: ({ servers }) => set(note, 'textContent', texts.onServers(servers.join(', '))),
      }
    },
  )
  const inForce = new DecisionList(page, texts.nothingInForce, (decision) => decision.user === user)
  const form = new DecisionForm(user, page)
  return {
    title: texts.userTitle(user),
    tab: 'users',
    content: [
      panel(texts.act, form.content),
      column(panel(texts.inForce, ...inForce.content), panel(texts.rooms, state, list)),
    ],
    refresh: async () => {
      const { online, rooms: found } = await get<User>(path`users/${user}`)
      rooms.show(found)
      set(state, 'textContent', online ? texts.online : texts.offline)
      form.showRooms(found.map(({ room }) => room))
      await inForce.refresh()
    },
  }
}

/** Mutes, bans or disconnects a user, everywhere or in one room, for a time or for good. */
class DecisionForm {
  readonly content = make('form', 'decide')
  readonly #where = make('select')
  readonly #length = make('select')
  readonly #reason = make('input')
  #rooms = ''

  constructor(user: string, page: Page) {
    this.showRooms([])
    for (const [name, seconds] of texts.durations) this.#length.append(new Option(name, String(seconds)))
    this.#length.append(new Option(texts.forGood, ''))
    this.#reason.maxLength = 200
    this.#reason.placeholder = texts.reasonHint
    const acts = make('p', 'acts')
    const send = (what: 'mute' | 'ban' | 'kick', done: string) =>
      page.act(() => post(path`users/${user}/${what}`, this.#decision(what)), done)
    const sure = (text: string, really: string, act: () => void) =>
      sureButton({ text, label: text, sure: texts.sure, really }, act)
    acts.append(
      button(texts.mute, () => send('mute', texts.muted(user))),
      sure(texts.ban, texts.reallyBan(user), () => send('ban', texts.banned(user))),
      sure(texts.kick, texts.reallyKick(user), () => send('kick', texts.kicked(user))),
    )
    this.content.append(
      field(texts.where, this.#where),
      field(texts.howLong, this.#length),
      field(texts.reason, this.#reason),
      acts,
    )
    this.content.onsubmit = (event) => event.preventDefault()
  }

  #decision(what: 'mute' | 'ban' | 'kick'): object {
    const [room, seconds, reason] = [this.#where.value, this.#length.value, this.#reason.value.trim()]
    return {
      ...(room && { room }),
      ...(seconds && what !== 'kick' && { seconds: Number(seconds) }),
      ...(reason && { reason }),
    }
  }

  /** The rooms for which something can be decided. */
  showRooms(rooms: readonly string[]): void {
    const key = JSON.stringify(rooms)
    if (key === this.#rooms) return
    this.#rooms = key
    const { value } = this.#where
    // What was chosen stays, also when the user has just left that room.
    const all = value === '' || rooms.includes(value) ? rooms : [...rooms, value]
    this.#where.replaceChildren(
      new Option(texts.everywhere, ''),
      ...all.map((room) => new Option(room, room)),
    )
    this.#where.value = value
  }
}
