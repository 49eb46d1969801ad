import '../lib/page.css'
import '../lib/control.css'
import './dashboard.css'
import { STRATEGY_NAMES } from '../../src/balancing/strategy-names.ts'
import type { Alert } from '../../src/control/alerts.ts'
import type { FleetSnapshot } from '../../src/control/control-target.ts'
import type { FleetStatus } from '../../src/control/other-fleet.ts'
import { type StateField, stateRow } from '../../src/control/state-history.ts'
import { alertItem } from '../lib/alert-texts.ts'
import { follow, get, post } from '../lib/api.ts'
import { byId, set, showProblem } from '../lib/dom.ts'
import { moment, setOrigin } from '../lib/format.ts'
import { Charts } from './charts.ts'
import { Events } from './events.ts'
import { Figures } from './figures.ts'
import { type DayRow, History } from './history.ts'
import { Past } from './past.ts'
import { PolicyForm, type PolicySchema } from './policy.ts'
import { texts } from './texts.ts'
import { Tiles } from './tiles.ts'
import { askWhatIf } from './what-if.ts'

/** Seconds of the past that are fetched in full; before, a row for many seconds is enough. */
const FULL_SECONDS = 3600
/** Seconds that a latency is shown while no other is measured. */
const LATENCY_SECONDS = 5

let state: FleetSnapshot | undefined
let measured: FleetSnapshot | undefined
let history: History | undefined

async function act(path: string, body?: object): Promise<boolean> {
  try {
    await post(path, body)
    showProblem('')
    return true
  } catch (error) {
    showProblem((error as Error).message)
    return false
  }
}

const events = new Events()
const charts = new Charts(
  () => history,
  () => events.marks,
)
const figures = new Figures()
const past = new Past(
  () => history,
  (time) => charts.choose(time),
)
const tiles = new Tiles(byId('tiles'), (id, what) => void act(`/api/servers/${id}/${what}`))
const policyForm = new PolicyForm(
  (spec) => act('/api/policy', spec),
  (policy) => act('/api/shadow', { policy }),
  async (policy) => {
    try {
      const course = await askWhatIf(policy, state!)
      history?.setOverlay(course)
      charts.draw(true)
      showProblem('')
    } catch (error) {
      showProblem((error as Error).message)
    }
  },
)

interface Rows {
  readonly fields: readonly StateField[]
  readonly rows: readonly DayRow[]
}

/** Shows what this fleet is called, and the way to the others, where there are any. */
async function showFleets(): Promise<void> {
  const [own, ...others] = await get<FleetStatus[]>('/api/fleets')
  document.title = own!.name === '' ? 'Concertina' : `${own!.name} – Concertina`
  set(byId('name'), 'textContent', own!.name)
  set(byId('fleets'), 'hidden', others.length === 0)
}

/** Fetches the day of the fleet, which may be another one than before: the last hour in full. */
async function fetchPast(): Promise<void> {
  setOrigin((await get<FleetSnapshot>('/api/state')).startMs)
  void showFleets().catch(() => {})
  policyForm.begin(await get<PolicySchema>('/api/policies'))
  const day = await get<Rows>('/api/history')
  const last = day.rows.at(-1)?.[0] ?? 0
  const hour = await get<Rows>(`/api/history?after=${last - FULL_SECONDS}`)
  const from = hour.rows[0]?.[0] ?? last
  const past = new History(day.fields)
  for (const row of day.rows) if (row[0]! < from) past.add(row)
  for (const row of hour.rows) past.add(row)
  history = past
  charts.draw(true)
}

/**
 * No message takes no time: a latency of 0 is that of no message. For a few seconds the last measured one is shown, so
 * that nothing flickers while few changes come.
 */
function withLatency(next: FleetSnapshot): FleetSnapshot {
  if (next.latency.p99Ms > 0) measured = next
  const age = measured ? next.time - measured.time : Number.NaN
  return measured && age >= 0 && age < LATENCY_SECONDS ? { ...next, latency: measured.latency } : next
}

let shownAlerts = ''
function showAlerts(found: readonly Alert[]): void {
  const shown = JSON.stringify(found)
  if (shown === shownAlerts) return
  shownAlerts = shown
  byId('alerts').replaceChildren(...found.map(({ name, since }) => alertItem(name, moment(since))))
}

function show(sent: FleetSnapshot): void {
  const next = withLatency(sent)
  state = next
  setOrigin(next.startMs)
  history!.add(stateRow(next))
  charts.draw()
  figures.show(next)
  tiles.show(next.servers, next.usersPerServer)
  policyForm.show(next)
  past.show(next)
  showAlerts(next.alerts)
  connection('live', texts.live)
  const { paused, strategy, limits, shadow } = next
  set(byId('shadow'), 'hidden', !shadow)
  if (shadow) set(byId('shadowing'), 'textContent', shadow.policy)
  set(byId('pause'), 'textContent', paused ? texts.resume : texts.pause)
  set(byId('scaling'), 'textContent', paused ? texts.paused : texts.decides)
  const select = byId<HTMLSelectElement>('strategy')
  if (select.dataset.inForce !== strategy) {
    select.dataset.inForce = strategy
    select.value = strategy
  }
  set(byId('load'), 'hidden', !next.loadCanBeSet)
  set(byId('admin'), 'hidden', !next.hasChat)
  const servers = byId<HTMLInputElement>('servers')
  if (servers.min !== String(limits.minServers)) servers.min = String(limits.minServers)
  if (servers.max !== String(limits.maxServers)) servers.max = String(limits.maxServers)
}

function connection(className: 'live' | 'cut', text: string): void {
  set(byId('connection'), 'className', className)
  set(byId('connection'), 'textContent', text)
  set(byId('main'), 'className', className)
}

function onSubmit(id: string, run: () => void): void {
  byId(id).addEventListener('submit', (event) => {
    event.preventDefault()
    run()
  })
}

const number = (id: string) => byId<HTMLInputElement>(id).valueAsNumber
for (const name of STRATEGY_NAMES) byId('strategy').append(new Option(name))
onSubmit('load', () => void act('/api/load', { users: number('users') }))
byId('pattern').addEventListener('click', () => void act('/api/load', { users: null }))
onSubmit('size', () => void act('/api/size', { servers: number('servers') }))
onSubmit('autoscaler', () => void act('/api/pause', { paused: !state?.paused }))
onSubmit('shadow', () => void act('/api/shadow', { policy: null }))
onSubmit('strategies', () => {
  const { value } = byId<HTMLSelectElement>('strategy')
  void act('/api/strategy', { strategy: value })
})
byId('dismiss').addEventListener('click', () => showProblem(''))

for (const id of ['admin', 'fleets']) byId<HTMLAnchorElement>(id).search = location.search
void follow({
  onConnect: fetchPast,
  onState: show,
  onEvents: (some, first) => events.add(some, first),
  onCut: (reason) => connection('cut', texts.cut(reason)),
})
