/** A page of an app that uses the hooks; `test/react.test.ts` builds it and looks at it in a browser. */
import { createElement as h, StrictMode, useState } from 'react'
import { createRoot } from 'react-dom/client'
import { ChatClient } from '../../src/client/browser.ts'
import { ChatProvider, useRoom, useStatus } from '../../src/react/hooks.ts'

function Room({ name }) {
  const { status, messages, users, typing, hasOlder, send, edit, remove, loadOlder } = useRoom(name, {
    history: 2,
  })
  const last = messages.at(-1)
  return h(
    'section',
    { id: 'room', 'data-status': status },
    h(
      'ol',
      null,
      messages.map(({ seq, user, body, edited }) =>
        h('li', { key: seq }, `${user}: ${body}${edited ? ' (edited)' : ''}`),
      ),
    ),
    h('p', { id: 'users' }, users?.join(' ')),
    h('p', { id: 'typing' }, typing.join(' ')),
    h('button', { type: 'button', id: 'send', onClick: () => void send('from the page') }, 'send'),
    h('button', { type: 'button', id: 'edit', onClick: () => void edit(last.seq, 'changed') }, 'edit'),
    h('button', { type: 'button', id: 'remove', onClick: () => void remove(last.seq) }, 'remove'),
    hasOlder && h('button', { type: 'button', id: 'older', onClick: () => void loadOlder() }, 'older'),
  )
}

function App() {
  const { state, reason } = useStatus()
  const [shown, setShown] = useState(true)
  return h(
    'main',
    null,
    h('p', { id: 'status' }, reason ?? state),
    h('button', { type: 'button', id: 'toggle', onClick: () => setShown(!shown) }, 'toggle'),
    shown && h(Room, { name: 'lobby' }),
    shown && h(Count),
  )
}

/** Shows the same room: it is joined once. */
function Count() {
  return h('p', { id: 'count' }, useRoom('lobby').messages.length)
}

const client = new ChatClient({
  url: new URL('chat', location.href.replace(/^http/, 'ws')).href,
  user: 'ann',
})
createRoot(document.querySelector('#app')).render(h(StrictMode, null, h(ChatProvider, { client }, h(App))))
