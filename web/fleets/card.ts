import { eventWords } from '../../src/control/event-words.ts'
import type { FleetSummary } from '../../src/control/fleet-summary.ts'
import type { FleetProblem, FleetStatus } from '../../src/control/other-fleet.ts'
import { policyText } from '../../src/scaling/option-words.ts'
import { alertItem } from '../lib/alert-texts.ts'
import { make, set } from '../lib/dom.ts'
import { milliseconds, momentOf, short, whole } from '../lib/format.ts'
import type { Row } from '../lib/keyed-list.ts'
import { language } from '../lib/language.ts'
import { texts } from './texts.ts'

type FigureName = 'servers' | 'users' | 'load' | 'messages' | 'latency'

/** What is wrong with a fleet, or that it is not known yet. */
const wrongOf = ({ summary, problem }: FleetStatus): FleetProblem['kind'] | 'asking' | undefined =>
  problem?.kind ?? (summary ? undefined : 'asking')

/** Where the dashboard of a fleet is, in the language of this page. */
function addressOf({ dashboard = './' }: FleetStatus): string {
  const url = new URL(dashboard, document.baseURI)
  const lang = new URLSearchParams(location.search).get('lang')
  if (lang !== null) url.searchParams.set('lang', lang)
  return url.href
}

function lastText({ text, atMs }: NonNullable<FleetSummary['lastEvent']>): string {
  const said = eventWords.translate(text, language)
  return atMs === undefined ? texts.last(said) : texts.lastAt(momentOf(atMs), said)
}

/** One fleet: whether it is reachable, its figures, policy, alerts, and the last thing that happened. */
export function fleetCard(first: FleetStatus): Row<FleetStatus> {
  const name = first.name || texts.own
  const item = make('li', 'fleet')
  const head = make('div', 'head')
  const title = make('h2')
  const link = make('a', '', name)
  link.href = addressOf(first)
  link.dir = 'auto'
  title.append(link)
  const state = make('span', 'state')
  head.append(title, state)
  const alerts = make('ul', 'alerts')
  alerts.ariaLabel = texts.alertsIn(name)
  const figures = make('dl')
  const figure = (kind: FigureName) => {
    const pair = make('div')
    const [value, note] = [make('dd'), make('dd', 'note')]
    pair.append(make('dt', '', texts[kind]), value, note)
    figures.append(pair)
    return (text: string, under = '', bad = false) => {
      set(value, 'textContent', text)
      set(value, 'className', bad ? 'bad' : '')
      set(note, 'textContent', under)
    }
  }
  const [servers, users, load] = [figure('servers'), figure('users'), figure('load')]
  const [messages, latency] = [figure('messages'), figure('latency')]
  const meter = make('div', 'meter')
  const bar = make('i')
  meter.role = 'meter'
  meter.ariaLabel = texts.loadOf(name)
  meter.ariaValueMin = '0'
  meter.ariaValueMax = '100'
  meter.append(bar)
  const [policy, last] = [make('p', 'policy'), make('p', 'last quiet')]
  item.append(head, alerts, figures, meter, policy, last)

  const fill = (summary: FleetSummary) => {
    const { ready, size, minServers, maxServers, capacity, lastEvent } = summary
    servers(whole(ready), texts.desired(size, minServers, maxServers), ready < size)
    const full = capacity !== undefined && summary.users > capacity
    users(whole(summary.users), capacity === undefined ? '' : texts.ofCapacity(whole(capacity)), full)
    const percent = capacity ? Math.round((summary.users / capacity) * 100) : undefined
    load(percent === undefined ? '–' : `${percent} %`, '', full)
    meter.hidden = percent === undefined
    meter.ariaValueNow = String(Math.min(100, percent ?? 0))
    meter.ariaValueText = `${percent} %`
    meter.classList.toggle('high', (percent ?? 0) > 80)
    bar.style.transform = `scaleX(${Math.min(100, percent ?? 0) / 100})`
    messages(short(summary.messagesPerSecond))
    latency(summary.p99Ms === 0 ? '–' : milliseconds(summary.p99Ms))
    const words = policyText(summary.policy, language)
    set(policy, 'textContent', summary.paused ? texts.paused(words) : texts.policy(words))
    set(last, 'textContent', lastEvent ? lastText(lastEvent) : '')
  }

  let shownAlerts = ''
  return {
    item,
    update(status) {
      const { summary, problem, seenMs } = status
      const wrong = wrongOf(status)
      set(item, 'className', wrong === undefined ? 'fleet' : 'fleet silent')
      const detail = problem?.detail === undefined ? '' : ` (${problem.detail})`
      const since = wrong !== undefined && seenMs !== undefined ? `; ${texts.seen(momentOf(seenMs))}` : ''
      const text = wrong === undefined ? texts.reachable : `${texts.problem[wrong]}${detail}${since}`
      set(state, 'textContent', text)
      for (const each of [figures, meter, policy, last]) set(each, 'hidden', summary === undefined)
      if (summary) fill(summary)
      // What was wrong when it was last heard of may be over.
      const active = wrong === undefined ? (summary?.alerts ?? []) : []
      const key = JSON.stringify(active)
      if (key === shownAlerts) return
      shownAlerts = key
      alerts.replaceChildren(
        ...active.map((each) =>
          alertItem(each.name, each.sinceMs === undefined ? '' : momentOf(each.sinceMs)),
        ),
      )
    },
  }
}

/** The line above all fleets. */
export function totalText(all: readonly FleetStatus[]): string {
  const known = all.filter((each) => wrongOf(each) === undefined)
  const sum = (pick: (summary: FleetSummary) => number) =>
    whole(known.reduce((total, { summary }) => total + pick(summary!), 0))
  const silent = all.length - known.length
  const alerts = known.reduce((total, { summary }) => total + summary!.alerts.length, 0)
  const ready = sum((summary) => summary.ready)
  const users = sum((summary) => summary.users)
  return (
    texts.total(all.length, ready, users) +
    (silent > 0 ? texts.silentOf(silent) : '') +
    (alerts > 0 ? texts.alertsOf(alerts) : '')
  )
}
