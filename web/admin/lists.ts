import type { ChatService } from '../../src/chat/api/chat-service.ts'
import { get } from '../lib/api.ts'
import { make, set } from '../lib/dom.ts'
import { KeyedList } from '../lib/keyed-list.ts'
import { NameList } from './name-list.ts'
import { number, texts } from './texts.ts'
import { field, link, type Page, panel, path, plainPanel, type View } from './view.ts'

/** The rooms with members. */
export function roomsView({ refresh }: Page): View {
  const order = make('select')
  order.append(new Option(texts.byMembers, 'members'), new Option(texts.byName, 'name'))
  const list = new NameList<ReturnType<ChatService['rooms']>>({
    view: 'room',
    path: path`rooms`,
    more: () => ({ order: order.value }),
    read: ({ rooms, ...more }) => ({
      names: rooms.map(({ room, members }) => ({ name: room, note: texts.members(members) })),
      ...more,
    }),
    found: (total) => texts.roomsFound(number(total)),
    refresh,
  })
  order.onchange = () => list.restart()
  return {
    title: texts.rooms,
    tab: 'rooms',
    content: [plainPanel(field(texts.order, order), ...list.content)],
    refresh: () => list.refresh(),
  }
}

type Talkers = ReturnType<ChatService['talkers']>

/** The users in rooms, and those of them who send most. */
export function usersView({ refresh }: Page): View {
  const list = new NameList<ReturnType<ChatService['users']>>({
    view: 'user',
    path: path`users`,
    read: ({ users, ...more }) => ({
      names: users.map(({ user, rooms }) => ({ name: user, note: texts.inRooms(rooms) })),
      ...more,
    }),
    found: (total) => texts.usersFound(number(total)),
    refresh,
  })
  const rows = make('ol', 'rows')
  const none = make('p', 'quiet', texts.nobodySends)
  const talkers = new KeyedList<Talkers['talkers'][number]>(
    rows,
    ({ user }) => user,
    ({ user }) => {
      const item = make('li')
      const [count, where] = [make('span', 'quiet note'), make('span', 'where')]
      item.append(link('user', user), where, count)
      return {
        item,
        update: ({ messages, room }) => {
          set(count, 'textContent', texts.messages(messages))
          if (where.textContent !== room) where.replaceChildren(link('room', room))
        },
      }
    },
  )
  return {
    title: texts.users,
    tab: 'users',
    content: [
      panel(texts.talkers, make('p', 'quiet help', texts.talkersHelp), rows, none),
      panel(texts.usersInRooms, ...list.content, make('p', 'quiet help', texts.usersHelp)),
    ],
    refresh: async () => {
      await list.refresh()
      const { talkers: found } = await get<Talkers>(path`talkers`)
      talkers.show(found)
      set(none, 'hidden', found.length > 0)
    },
  }
}
