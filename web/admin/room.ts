import type { ChatService } from '../../src/chat/api/chat-service.ts'
import { get, post, remove } from '../lib/api.ts'
import { button, make, set, sureButton } from '../lib/dom.ts'
import { KeyedList } from '../lib/keyed-list.ts'
import { moment, texts } from './texts.ts'
import { link, type Page, panel, path, plainPanel, type View } from './view.ts'

type Room = Awaited<ReturnType<ChatService['room']>>
type History = Awaited<ReturnType<ChatService['history']>>
type Message = History['messages'][number]

const PAGE = 50

/** A room: its recent messages, newest first, each of which can be deleted; and its members. */
export function roomView(room: string, page: Page): View {
  const members = make('ul', 'rows')
  const state = make('p', 'quiet')
  const memberRows = new KeyedList<string>(
    members,
    (user) => user,
    (user) => {
      const item = make('li')
      item.append(link('user', user))
      return { item, update: () => {} }
    },
  )
  const acts = make('p', 'acts')
  const close = sureButton(
    {
      text: texts.closeRoom,
      label: texts.closeRoom,
      sure: texts.sure,
      really: texts.reallyCloseRoom(room),
    },
    () => page.act(() => post(path`rooms/${room}/close`), texts.roomClosed(room)),
  )
  const open = button(texts.openRoom, () =>
    page.act(() => post(path`rooms/${room}/open`), texts.roomOpened(room)),
  )
  acts.append(close, open)
  const bar = plainPanel(state, acts)
  bar.classList.add('bar')
  const named = make('p', 'quiet help')

  const messages = make('ol', 'rows messages')
  const none = make('p', 'quiet', texts.noMessages)
  const rows = new KeyedList<Message>(
    messages,
    ({ seq }) => String(seq),
    (message) => messageRow(room, message, page),
  )
  /** Where the pages up to this one end. */
  let ends: readonly (number | undefined)[] = [undefined]
  let oldest: number | undefined
  const turn = (to: readonly (number | undefined)[]) => {
    ends = to
    page.refresh()
  }
  const older = button(texts.older, () => turn([...ends, oldest]))
  const newest = button(texts.newest, () => turn([undefined]))
  const pager = make('div', 'pager')
  pager.append(newest, older)

  return {
    title: texts.roomTitle(room),
    tab: 'rooms',
    content: [
      bar,
      panel(texts.messagesTitle, messages, none, pager),
      panel(texts.membersTitle, named, members),
    ],
    refresh: async () => {
      const shown = ends
      const before = shown.at(-1)
      const query = `?limit=${PAGE}${before === undefined ? '' : `&before=${before}`}`
      const [about, history] = await Promise.all([
        get<Room>(path`rooms/${room}`),
        get<History>(`${path`rooms/${room}/messages`}${query}`),
      ])
      if (shown !== ends) return
      rows.show(history.messages.filter(isWritten).toReversed())
      oldest = history.messages[0]?.seq
      set(none, 'hidden', history.messages.length > 0)
      set(older, 'hidden', oldest === undefined || oldest <= history.first)
      set(newest, 'hidden', before === undefined)
      memberRows.show(about.users?.toSorted() ?? [])
      set(named, 'textContent', about.users ? '' : texts.manyMembers)
      set(named, 'hidden', about.users !== undefined)
      set(state, 'textContent', about.closed ? texts.closed : texts.members(about.members))
      set(close, 'hidden', about.closed)
      set(open, 'hidden', !about.closed)
    },
  }
}

/** Not the entry that edits or deletes another one: that one shows it. */
const isWritten = ({ edits, deletes }: Message) => edits === undefined && deletes === undefined

function messageRow(room: string, { seq, user, time }: Message, page: Page) {
  const item = make('li')
  const when = make('time', 'quiet', moment(time))
  when.dateTime = new Date(time).toISOString()
  const body = make('span', 'body')
  body.dir = 'auto'
  const head = make('span', 'head')
  head.append(link('user', user), when)
  const drop = sureButton(
    {
      text: texts.delete,
      label: texts.deleteOf(user, moment(time)),
      sure: texts.sure,
      really: texts.reallyDeleteOf(user, moment(time)),
    },
    () => page.act(() => remove(path`rooms/${room}/messages/${seq}`), texts.messageDeleted(user)),
  )
  item.append(head, body, drop)
  return {
    item,
    update: ({ body: text, data, deleted, editedAt }: Message) => {
      const content = text === '' && data ? JSON.stringify(data) : text
      const edited = editedAt === undefined ? '' : ` (${texts.edited})`
      set(body, 'textContent', deleted ? texts.deleted : content + edited)
      set(body, 'className', deleted ? 'body quiet' : 'body')
      set(drop, 'hidden', deleted === true)
    },
  }
}
