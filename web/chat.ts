import './page.css'
import './chat.css'
import { ChatClient, type RoomMessage } from '../src/client-browser.ts'

const byId = <T extends HTMLElement>(id: string) => document.getElementById(id) as T
const MOST_SHOWN = 500
const TYPING_MS = 3000

let client: ChatClient | undefined
let room = ''
/** Own messages that are shown and not delivered yet, by id. */
const pending = new Map<string, HTMLLIElement>()
const here = new Set<string>()
let sent = 0
const session = [...crypto.getRandomValues(new Uint8Array(6))]
  .map((byte) => byte.toString(16).padStart(2, '0'))
  .join('')

function add(item: HTMLLIElement): void {
  const list = byId('messages')
  const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 80
  list.append(item)
  while (list.children.length > MOST_SHOWN) list.firstElementChild!.remove()
  if (atEnd) list.scrollTop = list.scrollHeight
}

/** Everything that came from somebody is text, and never markup. */
function line(user: string, body: string): HTMLLIElement {
  const item = document.createElement('li')
  const who = document.createElement('span')
  who.className = 'who'
  who.textContent = user
  item.append(who, body)
  return item
}

function note(text: string): void {
  const item = document.createElement('li')
  item.className = 'note'
  item.textContent = text
  add(item)
}

function tick(item: HTMLLIElement, mark: string, title: string): void {
  let element = item.querySelector<HTMLElement>('.tick')
  if (!element) {
    element = document.createElement('span')
    element.className = 'tick'
    item.append(element)
  }
  element.textContent = mark
  element.title = title
  element.setAttribute('aria-label', title)
}

function onMessage({ user, body, id }: RoomMessage): void {
  typing.delete(user)
  showTyping()
  const own = pending.get(id)
  if (own) {
    // It stands where the room has it, behind what came before.
    pending.delete(id)
    tick(own, '✓✓', 'delivered')
    byId('messages').append(own)
  } else {
    add(line(user, body))
  }
}

function showMembers(members: number): void {
  byId('members').textContent = `Here: ${members}`
  byId('users').replaceChildren(
    ...[...here].sort().map((user) => {
      const item = document.createElement('li')
      item.textContent = user
      return item
    }),
  )
}

const typing = new Map<string, number>()
function showTyping(): void {
  const now = Date.now()
  for (const [user, until] of typing) if (until < now) typing.delete(user)
  const names = [...typing.keys()]
  byId('typing').textContent = names.length === 0 ? '' : `${names.slice(0, 3).join(', ')} typing…`
}
setInterval(showTyping, 500)

async function enter(): Promise<void> {
  client?.close()
  byId('messages').replaceChildren()
  pending.clear()
  here.clear()
  typing.clear()
  room = byId<HTMLInputElement>('room').value.trim()
  const user = byId<HTMLInputElement>('name').value.trim()
  const token = byId<HTMLInputElement>('token').value.trim()
  const url = `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/chat`
  const mine = new ChatClient({ url, ...(token ? { token } : { user }) })
  client = mine
  const status = byId('status')
  mine.on('message', onMessage)
  mine.on('gap', ({ from, to }) => note(`messages ${from} to ${to} are not kept any more`))
  mine.on('presence', ({ members, joined = [], left = [], ...rest }) => {
    const { users } = rest as { users?: string[] }
    if (users) here.clear()
    for (const each of users ?? joined) here.add(each)
    for (const each of left) here.delete(each)
    showMembers(members)
  })
  mine.on('typing', (event) => {
    if (event.user === mine.user) return
    typing.set(event.user, Date.now() + TYPING_MS)
    showTyping()
  })
  mine.on('error', ({ message }) => note(message))
  mine.on('status', ({ state, server, reason }) => {
    if (mine !== client) return
    status.textContent =
      state === 'waiting'
        ? 'connecting again…'
        : state === 'closed'
          ? `closed: ${reason}`
          : `on server ${server}`
    status.dataset.server = String(server ?? '')
  })
  try {
    const { members, users = [] } = await mine.join(room, { history: 50 })
    for (const each of users) here.add(each)
    showMembers(members)
    for (const id of ['text', 'send']) byId<HTMLInputElement>(id).disabled = false
    byId('text').focus()
  } catch (error) {
    if (mine === client) status.textContent = (error as Error).message
  }
}

function send(): void {
  const input = byId<HTMLInputElement>('text')
  const body = input.value
  if (!client || body.trim() === '') return
  input.value = ''
  const id = `${session}-${++sent}`
  const item = line(client.user ?? '', body)
  tick(item, '…', 'on its way')
  pending.set(id, item)
  add(item)
  client.send(room, body, id).then(
    ({ durability }) => {
      if (pending.has(id)) tick(item, '✓', `safe (${durability})`)
    },
    (error: Error) => tick(item, '✗', error.message),
  )
}

byId('enter').addEventListener('submit', (event) => {
  event.preventDefault()
  void enter()
})
byId('compose').addEventListener('submit', (event) => {
  event.preventDefault()
  send()
})
byId('text').addEventListener('input', () => client?.typing(room))
