import '../lib/page.css'
import '../lib/control.css'
import './fleets.css'
import type { FleetStatus } from '../../src/control/other-fleet.ts'
import { get } from '../lib/api.ts'
import { byId, set } from '../lib/dom.ts'
import { KeyedList } from '../lib/keyed-list.ts'
import { fleetCard, totalText } from './card.ts'
import { texts } from './texts.ts'

/** Milliseconds between two polls. */
const AGAIN_MS = 2000

document.title = texts.title
byId<HTMLAnchorElement>('own').search = location.search
const list = new KeyedList<FleetStatus>(byId('fleets'), ({ name }) => name, fleetCard)
let timer = 0

function connection(className: 'live' | 'cut', text: string): void {
  set(byId('connection'), 'className', className)
  set(byId('connection'), 'textContent', text)
  set(byId('main'), 'className', className)
}

/** Shows what is known now, and again after a while. */
async function refresh(): Promise<void> {
  clearTimeout(timer)
  try {
    const all = await get<FleetStatus[]>('/api/fleets')
    list.show(all)
    set(byId('summary'), 'textContent', totalText(all))
    set(byId('alone'), 'hidden', all.length > 1)
    connection('live', texts.live)
  } catch (error) {
    connection('cut', (error as Error).message)
  }
  clearTimeout(timer)
  if (!document.hidden) timer = window.setTimeout(refresh, AGAIN_MS)
}

document.addEventListener('visibilitychange', () => {
  // A page that is not seen asks for nothing.
  if (document.hidden) clearTimeout(timer)
  else void refresh()
})
void refresh()
