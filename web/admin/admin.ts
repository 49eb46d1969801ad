import '../lib/page.css'
import '../lib/control.css'
import './admin.css'
import { byId, make, set, showProblem } from '../lib/dom.ts'
import { decisionsView } from './decisions.ts'
import { roomsView, usersView } from './lists.ts'
import { roomView } from './room.ts'
import { texts, writeTexts } from './texts.ts'
import { userView } from './user.ts'
import type { Page, View } from './view.ts'

/** Milliseconds between two looks at what is shown. */
const AGAIN_MS = 3000
/** Milliseconds for which it says what was done. */
const DONE_MS = 6000

writeTexts()

let view: View | undefined
let timer = 0
let doneTimer = 0

const page: Page = {
  act(what, done) {
    what().then(
      () => {
        showProblem('')
        set(byId('done'), 'textContent', done)
        clearTimeout(doneTimer)
        doneTimer = window.setTimeout(() => set(byId('done'), 'textContent', ''), DONE_MS)
        refresh()
      },
      (error: Error) => showProblem(error.message),
    )
  },
  refresh,
}

function connection(className: 'live' | 'cut', text: string): void {
  set(byId('connection'), 'className', className)
  set(byId('connection'), 'textContent', text)
}

/** Shows what is there now, and again after a while. */
function refresh(): void {
  clearTimeout(timer)
  const shown = view
  if (!shown) return
  shown
    .refresh()
    .then(
      () => view === shown && connection('live', texts.live),
      (error: Error) => view === shown && connection('cut', error.message),
    )
    .finally(() => {
      if (view !== shown) return
      clearTimeout(timer)
      timer = window.setTimeout(refresh, AGAIN_MS)
    })
}

function viewOf(hash: string): View {
  const [, kind = '', encoded = ''] = hash.split('/')
  const name = decoded(encoded)
  switch (kind) {
    case 'users':
      return usersView(page)
    case 'decisions':
      return decisionsView(page)
    case 'room':
      return roomView(name, page)
    case 'user':
      return userView(name, page)
    default:
      return roomsView(page)
  }
}

/** A name of the address; what is not encoded text is left as it is. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** Shows the view that the address names. */
function show(): void {
  view = viewOf(location.hash)
  const { title, tab, content } = view
  document.title = `${title} – Concertina`
  const heading = make('h1', '', title)
  heading.tabIndex = -1
  heading.dir = 'auto'
  byId('main').replaceChildren(heading, ...content)
  for (const anchor of document.querySelectorAll<HTMLAnchorElement>('#views a'))
    anchor.ariaCurrent = anchor.hash === `#/${tab}` ? 'page' : null
  refresh()
}

byId<HTMLAnchorElement>('fleet').search = location.search
byId('dismiss').addEventListener('click', () => showProblem(''))
addEventListener('hashchange', () => {
  show()
  document.querySelector<HTMLElement>('main h1')?.focus()
})
document.addEventListener('visibilitychange', () => {
  // A page that is not seen asks for nothing.
  if (document.hidden) clearTimeout(timer)
  else refresh()
})
show()
