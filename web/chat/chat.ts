import '../lib/page.css'
import './chat.css'
import './chat-messages.css'
import { ChatClient, type ChatClientEvents } from '../../src/client/browser.ts'
import { byId } from '../lib/dom.ts'
import { ChatRoom } from './chat-room.ts'
import { texts } from './texts.ts'

/** Milliseconds without a connection that are not worth a word: a killed server costs less. */
const CALM_MS = 1500
const NAME_KEY = 'concertina-chat-name'

const rooms = new Map<string, ChatRoom>()
let client: ChatClient | undefined
let current: ChatRoom | undefined
let cutOff: ReturnType<typeof setTimeout> | undefined
/** Why there is no connection. */
let why = ''

function listItems(list: HTMLElement, content: readonly (string | Node)[]): void {
  list.replaceChildren(
    ...content.map((each) => {
      const item = document.createElement('li')
      item.append(each)
      return item
    }),
  )
}

function roomButton(room: ChatRoom): HTMLButtonElement {
  const button = document.createElement('button')
  button.type = 'button'
  const name = document.createElement('bdi')
  name.textContent = room.name
  button.append(name)
  if (room === current) button.setAttribute('aria-current', 'true')
  if (room.unread > 0) {
    const count = document.createElement('span')
    count.className = 'count'
    count.textContent = String(room.unread)
    count.setAttribute('aria-label', texts.unread(room.unread))
    button.append(count)
  }
  button.addEventListener('click', () => {
    open(room)
    byId('text').focus()
  })
  return button
}

let shownRooms = ''
/** Shows everything but the lines: rooms, who is here, what is unread. */
function show(): void {
  // Buttons are rebuilt only when one differs, so that the focus is kept.
  const state = JSON.stringify([...rooms.values()].map((room) => [room.name, room.unread, room === current]))
  if (state !== shownRooms) {
    shownRooms = state
    const focused = document.activeElement?.closest('#rooms button')?.firstChild?.textContent
    const buttons = [...rooms.values()].map(roomButton)
    listItems(byId('rooms'), buttons)
    buttons.find((button) => button.firstChild!.textContent === focused)?.focus()
  }
  const unread = [...rooms.values()].reduce((sum, room) => sum + room.unread, 0)
  document.title = `${unread > 0 ? `(${unread}) ` : ''}Concertina chat`
  if (!current) return
  byId('title').textContent = current.name
  byId('members').textContent = texts.hereCount(current.members)
  const users = [...current.here].sort()
  listItems(byId('users'), users.length > 0 ? users : [texts.tooMany(current.members)])
  const newest = byId('newest')
  newest.hidden = current.atEnd
  newest.textContent = current.unread > 0 ? texts.newMessages(current.unread) : texts.toNewest
  byId('typing').textContent = current.typing()
  current.fillSight()
}

let showing = false
/** Shows soon what may have changed, once for many changes. */
function showSoon(): void {
  if (showing) return
  showing = true
  setTimeout(() => {
    showing = false
    show()
  }, 30)
}
setInterval(showSoon, 500)

function open(room: ChatRoom): void {
  current?.look(false)
  current = room
  byId('messages').replaceChildren(room.list)
  room.goToEnd(true)
  room.look(document.hasFocus())
  show()
  byId('rooms').querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' })
}

function addRoom(mine: ChatClient, name: string): ChatRoom {
  const room = new ChatRoom(name, mine, showSoon)
  rooms.set(name, room)
  room.list.addEventListener('scroll', showSoon)
  return room
}

async function join(name: string): Promise<void> {
  const mine = client!
  const known = rooms.get(name)
  if (known) {
    open(known)
    return
  }
  const room = addRoom(mine, name)
  try {
    await mine.join(name, { history: 50 })
    byId('entrance').hidden = true
    byId('chat').hidden = false
    open(room)
    byId('text').focus()
    await room.showLeftOff()
  } catch (error) {
    remove(room, texts.problem(error as Error))
  }
}

/** Takes a room away; without any there is the entrance again. */
function remove(room: ChatRoom, why = ''): void {
  if (rooms.get(room.name) !== room) return
  rooms.delete(room.name)
  const [another] = rooms.values()
  if (another) {
    if (room === current) open(another)
    if (why) current?.note(texts.roomProblem(room.name, why))
    show()
    return
  }
  client?.close()
  client = undefined
  current = undefined
  byId('chat').hidden = true
  byId('entrance').hidden = false
  byId('problem').textContent = why
  status(texts.notConnected)
  byId('me').textContent = ''
  byId('room').focus()
  show()
}

function status(text: string, state = '', server = ''): void {
  clearTimeout(cutOff)
  cutOff = undefined
  const shown = byId('status')
  // A screen reader reads every change: it is not to hear the same again.
  if (shown.textContent !== text) shown.textContent = text
  shown.dataset.state = state
  shown.dataset.server = server
}

function onStatus(mine: ChatClient, event: ChatClientEvents['status']): void {
  if (mine !== client) return
  const { state, server } = event
  if (state === 'waiting') {
    const { dataset } = byId('status')
    why = navigator.onLine ? texts.cause(event) : texts.offline
    const text = () => status(texts.cutOff(why), 'waiting')
    if (dataset.state === 'waiting') text()
    else cutOff ??= setTimeout(text, dataset.state === 'on' ? CALM_MS : 0)
  } else if (state === 'closed') {
    for (const room of rooms.values()) remove(room, texts.cause(event))
  } else {
    status(texts.onServer(server), 'on', String(server))
    byId('me').textContent = mine.user ?? ''
  }
}

function enter(): void {
  rooms.clear()
  client?.close()
  byId('problem').textContent = ''
  const user = byId<HTMLInputElement>('name').value.trim()
  const token = byId<HTMLInputElement>('token').value.trim()
  sessionStorage.setItem(NAME_KEY, user)
  // Beside this page, which a proxy may give out under a path of its own.
  const url = new URL('chat', location.href.replace(/^http/, 'ws')).href
  const mine = new ChatClient({ url, ...(token ? { token } : { user }) })
  client = mine
  status(texts.connecting, 'waiting')
  mine.on('message', (message) => rooms.get(message.room)?.receive(message))
  mine.on('gap', ({ room, from, to }) => rooms.get(room)?.note(texts.gap(from, to)))
  mine.on('presence', (event) => rooms.get(event.room)?.presence(event))
  mine.on('resumed', ({ room, members, users, reset }) => {
    rooms.get(room)?.roster(members, users)
    if (reset) rooms.get(room)?.note(texts.reset)
  })
  mine.on('typing', ({ room, user: who }) => {
    rooms.get(room)?.typed(who)
    showSoon()
  })
  mine.on('error', (problem) => {
    const where = problem.room === undefined ? current : rooms.get(problem.room)
    if (where && problem.code === 'forbidden') remove(where, texts.problem(problem))
    else where?.note(texts.problem(problem))
  })
  mine.on('status', (event) => onStatus(mine, event))
  void join(byId<HTMLInputElement>('room').value.trim())
}

function send(): void {
  const input = byId<HTMLTextAreaElement>('text')
  if (!current || input.value.trim() === '') return
  current.send(input.value.trimEnd())
  input.value = ''
  show()
}

function onSubmit(id: string, run: () => void): void {
  byId(id).addEventListener('submit', (event) => {
    event.preventDefault()
    run()
  })
}

onSubmit('enter', enter)
onSubmit('compose', send)
onSubmit('join', () => {
  const input = byId<HTMLInputElement>('another')
  const name = input.value.trim()
  input.value = ''
  if (name) void join(name)
})
byId('leave').addEventListener('click', () => {
  if (!current) return
  client?.leave(current.name)
  remove(current)
})
byId('newest').addEventListener('click', () => {
  current?.goToEnd()
  byId('text').focus()
})
byId('token').addEventListener('input', () => {
  byId<HTMLInputElement>('name').required = byId<HTMLInputElement>('token').value === ''
})
byId('text').addEventListener('input', () => current && client?.typing(current.name))
byId('text').addEventListener('keydown', (event) => {
  // While an input method composes, Enter chooses a word.
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return
  event.preventDefault()
  send()
})
for (const name of ['focus', 'blur']) {
  window.addEventListener(name, () => {
    current?.look(document.hasFocus())
    showSoon()
  })
}
byId<HTMLInputElement>('name').value = sessionStorage.getItem(NAME_KEY) ?? ''
byId(byId<HTMLInputElement>('name').value ? 'room' : 'name').focus()
