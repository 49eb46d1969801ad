import type { FleetSnapshot } from '../../src/control/control-target.ts'
import { wholeReason } from '../../src/scaling/decision-words.ts'
import { reasons } from '../../src/scaling/reasons.ts'
import { byId, make, set } from '../lib/dom.ts'
import { clock, milliseconds, short, whole } from '../lib/format.ts'
import { language } from '../lib/language.ts'
import { texts } from './texts.ts'

interface Figure {
  readonly pair: HTMLElement
  readonly value: HTMLElement
  readonly note: HTMLElement
}

const NAMES = {
  users: texts.fUsers,
  capacity: texts.fCapacity,
  servers: texts.fServers,
  expected: texts.fExpected,
  rooms: texts.fRooms,
  messages: texts.fMessages,
  latency: texts.fLatency,
}
type FigureName = keyof typeof NAMES

const STATES = ['ready', 'starting', 'draining'] as const

/** The figures above the charts, the reason of the last decision, and the line under the name. */
export class Figures {
  readonly #figures = new Map<string, Figure>()

  show(state: FleetSnapshot): void {
    const { load, requestedLoad, ready, size, usersPerServer, forecast, latency, limits, shadow } = state
    const capacity = usersPerServer === undefined ? undefined : ready * usersPerServer
    const asked = load === Math.round(requestedLoad) ? '' : texts.askedFor(whole(requestedLoad))
    this.#figure('users', whole(load), state.setLoad === undefined ? asked : texts.byHand(state.setLoad))
    if (capacity === undefined) this.#figure('capacity', '–', texts.countsNoUsers)
    else {
      const used = capacity > 0 ? Math.round((load / capacity) * 100) : 0
      this.#figure('capacity', whole(capacity), texts.used(used, ready, usersPerServer!), load > capacity)
    }
    const wanted = ready === size ? texts.allowed(limits.minServers, limits.maxServers) : texts.ofWanted(size)
    this.#figure('servers', String(ready), shadow ? shadowNote(shadow) : wanted)
    if (forecast) {
      const within = texts.within(
        clock(Math.round(forecast.time - state.time)),
        short(forecast.low),
        short(forecast.high),
      )
      this.#figure('expected', whole(forecast.expected), within)
    } else this.#hide('expected')
    const { rooms } = state
    if (rooms !== undefined)
      this.#figure('rooms', whole(rooms), rooms > 0 ? texts.perRoom((load / rooms).toFixed(1)) : '')
    this.#figure(
      'messages',
      short(state.messagesPerSecond),
      texts.deliveries(short(state.deliveriesPerSecond)),
    )
    this.#figure(
      'latency',
      latencyOf(latency.p99Ms),
      `p50 ${latencyOf(latency.p50Ms)}, p95 ${latencyOf(latency.p95Ms)}`.replace(/ ms,/, ','),
    )
    this.#words(state)
  }

  #words({ decision, servers, policy, paused, strategy, limits, usersPerServer }: FleetSnapshot): void {
    if (decision) set(byId('reason'), 'textContent', reasons.translate(wholeReason(decision), language))
    const line = texts.summary(
      paused ? texts.pausedNote(policy) : policy,
      strategy,
      limits.minServers,
      limits.maxServers,
    )
    set(byId('summary'), 'textContent', line)
    const states = STATES.map((name) => [name, servers.filter(({ state }) => state === name).length] as const)
    const counted = states.filter(([, count]) => count > 0).map(([name, count]) => `${count} ${texts[name]}`)
    const bars = servers.some(({ eventLoopUtilization }) => eventLoopUtilization !== undefined)
      ? texts.barsBusy
      : usersPerServer === undefined
        ? ''
        : texts.barsUsers(usersPerServer)
    set(byId('states'), 'textContent', [...counted, bars].filter(Boolean).join(' · '))
  }

  #figure(name: FigureName, value: string, note: string, bad = false): void {
    const figure = this.#figures.get(name) ?? this.#make(name)
    set(figure.value, 'textContent', value)
    set(figure.value, 'className', bad ? 'bad' : '')
    set(figure.note, 'textContent', note)
    set(figure.pair, 'hidden', false)
  }

  #hide(name: FigureName): void {
    const figure = this.#figures.get(name) ?? this.#make(name)
    set(figure.pair, 'hidden', true)
  }

  #make(name: FigureName): Figure {
    const pair = make('div', name)
    const [value, note] = [make('dd'), make('dd', 'note')]
    pair.append(make('dt', '', NAMES[name]), value, note)
    byId('figures').append(pair)
    const figure = { pair, value, note }
    this.#figures.set(name, figure)
    return figure
  }
}

/** A latency of 0 was not measured. */
const latencyOf = (value: number) => (value === 0 ? '–' : milliseconds(value))

const shadowNote = ({ policy, servers }: NonNullable<FleetSnapshot['shadow']>) =>
  texts.shadowNote(policy, servers)
