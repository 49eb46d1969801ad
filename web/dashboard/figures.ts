import type { FleetSnapshot } from '../../src/control/control-target.ts'
import { wholeReason } from '../../src/scaling/types.ts'
import { byId, clock, make, milliseconds, set, short, whole } from './format.ts'

interface Figure {
  readonly pair: HTMLElement
  readonly value: HTMLElement
  readonly note: HTMLElement
}

const STATES = ['ready', 'starting', 'draining'] as const

/** The figures above the charts, the reason of the last decision, and the line under the name. */
export class Figures {
  readonly #figures = new Map<string, Figure>()

  show(state: FleetSnapshot): void {
    const { load, requestedLoad, ready, size, usersPerServer, forecast, latency, limits, shadow } = state
    const capacity = usersPerServer === undefined ? undefined : ready * usersPerServer
    const asked = load === Math.round(requestedLoad) ? '' : `${whole(requestedLoad)} asked for`
    this.#figure('users', whole(load), state.setLoad === undefined ? asked : `set by hand: ${state.setLoad}`)
    if (capacity === undefined) this.#figure('capacity', '–', 'this policy counts no users')
    else {
      const used = capacity > 0 ? Math.round((load / capacity) * 100) : 0
      this.#figure('capacity', whole(capacity), `${used} % of ${ready} × ${usersPerServer}`, load > capacity)
    }
    const wanted =
      ready === size ? `${limits.minServers} to ${limits.maxServers} allowed` : `of ${size} wanted`
    this.#figure('servers', String(ready), shadow ? shadowNote(shadow) : wanted)
    if (forecast) {
      const within = `in ${clock(Math.round(forecast.time - state.time))}, ${short(forecast.low)} to ${short(forecast.high)}`
      this.#figure('expected', whole(forecast.expected), within)
    } else this.#hide('expected')
    this.#figure(
      'messages/s',
      short(state.messagesPerSecond),
      `${short(state.deliveriesPerSecond)} deliveries/s`,
    )
    this.#figure(
      'latency p99',
      latencyOf(latency.p99Ms),
      `p50 ${latencyOf(latency.p50Ms)}, p95 ${latencyOf(latency.p95Ms)}`.replace(/ ms,/, ','),
    )
    this.#words(state)
  }

  #words({ decision, servers, policy, paused, strategy, limits, usersPerServer }: FleetSnapshot): void {
    if (decision) set(byId('reason'), 'textContent', wholeReason(decision))
    const line = `${policy}${paused ? ' (paused)' : ''}, ${strategy}, ${limits.minServers} to ${limits.maxServers} servers`
    set(byId('summary'), 'textContent', line)
    const states = STATES.map((name) => [name, servers.filter(({ state }) => state === name).length] as const)
    const counted = states.filter(([, count]) => count > 0).map(([name, count]) => `${count} ${name}`)
    const bars = servers.some(({ eventLoopUtilization }) => eventLoopUtilization !== undefined)
      ? 'bars: event loop in use'
      : usersPerServer === undefined
        ? ''
        : `bars: of ${usersPerServer} users`
    set(byId('states'), 'textContent', [...counted, bars].filter(Boolean).join(' · '))
  }

  #figure(name: string, value: string, note: string, bad = false): void {
    const figure = this.#figures.get(name) ?? this.#make(name)
    set(figure.value, 'textContent', value)
    set(figure.value, 'className', bad ? 'bad' : '')
    set(figure.note, 'textContent', note)
    set(figure.pair, 'hidden', false)
  }

  #hide(name: string): void {
    const figure = this.#figures.get(name) ?? this.#make(name)
    set(figure.pair, 'hidden', true)
  }

  #make(name: string): Figure {
    const pair = make('div', name.replace(/\W.*/, ''))
    const [value, note] = [make('dd'), make('dd', 'note')]
    pair.append(make('dt', '', name), value, note)
    byId('figures').append(pair)
    const figure = { pair, value, note }
    this.#figures.set(name, figure)
    return figure
  }
}

/** A latency of 0 was not measured. */
const latencyOf = (value: number) => (value === 0 ? '–' : milliseconds(value))

const shadowNote = ({ policy, servers }: NonNullable<FleetSnapshot['shadow']>) =>
  `shadow: ${policy} would have ${servers} ${servers === 1 ? 'server' : 'servers'}`
