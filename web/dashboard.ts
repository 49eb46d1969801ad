import './page.css'
import './dashboard.css'
import { STRATEGY_NAMES } from '../src/balancing/strategies.ts'
import type { FleetEvent, FleetSnapshot } from '../src/control/control-target.ts'
import { follow, get, post } from './api.ts'
import { Chart } from './chart.ts'
import { Tiles } from './tiles.ts'

const byId = <T extends HTMLElement>(id: string) => document.getElementById(id) as T
/** Policies to begin with; the parameters can be changed. */
const POLICIES: Record<string, object> = {
  threshold: { kind: 'threshold', scaleUpThreshold: 15, scaleDownThreshold: 10 },
  hpa: { kind: 'hpa', metric: 'users', target: 15 },
  queueing: { kind: 'queueing', usersPerServer: 15 },
}
const MOST_EVENTS = 300

let state: FleetSnapshot | undefined

function say(problem: string): void {
  byId('problem').textContent = problem
}

async function act(path: string, body?: object): Promise<void> {
  try {
    await post(path, body)
    say('')
  } catch (error) {
    say((error as Error).message)
  }
}

const chart = new Chart(byId('chart'))
const tiles = new Tiles(byId('tiles'), (id, what) => void act(`/api/servers/${id}/${what}`))

const figures = new Map<string, HTMLElement>()
function figure(name: string, value: string): void {
  let element = figures.get(name)
  if (!element) {
    const pair = document.createElement('div')
    const label = document.createElement('dt')
    element = document.createElement('dd')
    label.textContent = name
    pair.append(label, element)
    byId('figures').append(pair)
    figures.set(name, element)
  }
  if (element.textContent !== value) element.textContent = value
}

const ms = (value: number) => (value >= 1000 ? `${(value / 1000).toFixed(1)} s` : `${value.toFixed(0)} ms`)

function show(next: FleetSnapshot): void {
  if (state && next.time < state.time) chart.begin([])
  state = next
  const {
    load,
    ready,
    size,
    messagesPerSecond,
    deliveriesPerSecond,
    latency,
    policy,
    paused,
    strategy,
    limits,
  } = next
  figure('users', String(load))
  figure('servers', ready === size ? String(ready) : `${ready} of ${size}`)
  figure('messages/s', messagesPerSecond.toFixed(0))
  figure('deliveries/s', deliveriesPerSecond.toFixed(0))
  figure('latency p50', ms(latency.p50Ms))
  figure('latency p95', ms(latency.p95Ms))
  figure('latency p99', ms(latency.p99Ms))
  const line = `${policy}${paused ? ' (paused)' : ''}, ${strategy}, ${limits.minServers} to ${limits.maxServers} servers`
  if (byId('summary').textContent !== line) byId('summary').textContent = line
  chart.add(next)
  tiles.show(next.servers)
  const pause = byId('pause')
  pause.setAttribute('aria-pressed', String(paused))
  const word = paused ? 'Go on' : 'Pause'
  if (pause.textContent !== word) pause.textContent = word
  const select = byId<HTMLSelectElement>('strategy')
  if (document.activeElement !== select) select.value = strategy
  byId('load').hidden = !next.loadCanBeSet
  byId<HTMLInputElement>('servers').max = String(limits.maxServers)
}

function tell(events: readonly FleetEvent[], first: boolean): void {
  const list = byId('events')
  if (first) list.replaceChildren()
  for (const { time, kind, text } of events) {
    const item = document.createElement('li')
    item.className = kind
    const when = document.createElement('time')
    when.textContent = `${time.toFixed(0)} s`
    item.append(when, text)
    list.prepend(item)
  }
  while (list.children.length > MOST_EVENTS) list.lastElementChild!.remove()
}

function onSubmit(id: string, run: () => void): void {
  byId(id).addEventListener('submit', (event) => {
    event.preventDefault()
    run()
  })
}

for (const name of STRATEGY_NAMES) byId('strategy').append(new Option(name))
for (const name of Object.keys(POLICIES)) byId('kind').append(new Option(name))
const spec = byId<HTMLTextAreaElement>('spec')
const offer = () => {
  spec.value = JSON.stringify(POLICIES[byId<HTMLSelectElement>('kind').value])
}
byId('kind').addEventListener('change', offer)
offer()
onSubmit('load', () => void act('/api/load', { users: byId<HTMLInputElement>('users').valueAsNumber }))
byId('pattern').addEventListener('click', () => void act('/api/load', { users: null }))
onSubmit('size', () => void act('/api/size', { servers: byId<HTMLInputElement>('servers').valueAsNumber }))
onSubmit('autoscaler', () => void act('/api/pause', { paused: !state?.paused }))
byId('strategy').addEventListener(
  'change',
  () => void act('/api/strategy', { strategy: byId<HTMLSelectElement>('strategy').value }),
)
onSubmit('policies', () => {
  try {
    void act('/api/policy', JSON.parse(spec.value))
  } catch {
    say('the parameters are not JSON')
  }
})

async function begin(): Promise<void> {
  const { fields, rows } = await get<{ fields: string[]; rows: number[][] }>('/api/history')
  chart.begin(rows.map((row) => Object.fromEntries(fields.map((field, i) => [field, row[i]])) as never))
}

await begin().catch((error: Error) => say(error.message))
void follow(
  (next) => {
    show(next)
  },
  tell,
  say,
)
