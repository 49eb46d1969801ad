import type { ServerSnapshot } from '../../src/control/control-target.ts'
import { make, set, sureButton } from '../lib/dom.ts'
import { short } from '../lib/format.ts'
import { texts } from './texts.ts'

/** More servers than these are shown small: their buttons come when one is opened. */
const ROOMY = 24
const ARROWS: Record<string, number> = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -1, ArrowDown: 1 }

type Act = (id: number, what: 'drain' | 'kill') => void

interface Tile {
  readonly item: HTMLLIElement
  readonly head: HTMLButtonElement
  readonly state: HTMLElement
  readonly users: HTMLElement
  readonly rate: HTMLElement
  readonly meter: HTMLElement
  readonly bar: HTMLElement
  readonly busy: HTMLElement
  readonly drain: HTMLButtonElement
}

/** A tile for each server; only what changed is written. */
export class Tiles {
  readonly #list: HTMLElement
  readonly #tiles = new Map<number, Tile>()
  readonly #act: Act
  #open: number | undefined

  constructor(list: HTMLElement, act: Act) {
    this.#list = list
    this.#act = act
    list.addEventListener('keydown', (event) => this.#onKey(event))
  }

  /** @param usersPerServer capacity of a server, where it is known: shown while event loops are not measured */
  show(servers: readonly ServerSnapshot[], usersPerServer: number | undefined): void {
    const gone = new Set(this.#tiles.keys())
    const small = servers.length > ROOMY
    this.#list.classList.toggle('small', small)
    for (const server of servers) {
      gone.delete(server.id)
      const tile = this.#tiles.get(server.id) ?? this.#make(server.id)
      this.#write(tile, server, usersPerServer)
      const open = !small || this.#open === server.id
      if (tile.head.disabled === small) tile.head.disabled = !small
      const expanded = small ? String(open) : null
      if (tile.head.ariaExpanded !== expanded) tile.head.ariaExpanded = expanded
      set(tile.item, 'className', `tile ${server.state}${open ? ' open' : ''}`)
    }
    for (const id of gone) {
      this.#tiles.get(id)!.item.remove()
      this.#tiles.delete(id)
    }
    this.#rove(small)
  }

  #write(tile: Tile, server: ServerSnapshot, usersPerServer: number | undefined): void {
    const { id, state, users, messagesPerSecond, eventLoopUtilization, memoryBytes } = server
    set(tile.state, 'textContent', texts[state])
    if (tile.drain.disabled !== (state !== 'ready')) tile.drain.disabled = state !== 'ready'
    set(tile.users, 'textContent', texts.serverUsers(users))
    set(tile.rate, 'textContent', texts.messageRate(short(messagesPerSecond)))
    const [share, word] =
      eventLoopUtilization !== undefined
        ? ([eventLoopUtilization, 'busy'] as const)
        : ([usersPerServer === undefined ? undefined : users / usersPerServer, 'full'] as const)
    const memory = memoryBytes === undefined ? [] : [`${(memoryBytes / 2 ** 20).toFixed(0)} MiB`]
    const percent = share === undefined ? undefined : Math.round(share * 100)
    set(tile.meter, 'hidden', percent === undefined)
    const text = percent === undefined ? '' : texts[word](percent)
    set(tile.busy, 'textContent', [...(text ? [text] : []), ...memory].join(', '))
    if (share === undefined || percent === undefined || tile.meter.ariaValueText === text) return
    tile.meter.ariaValueNow = String(Math.min(100, percent))
    tile.meter.ariaValueText = text
    tile.meter.title = word === 'busy' ? texts.eventLoop(text) : texts.byPolicy(id, text)
    tile.meter.classList.toggle('high', share > 0.8)
    tile.bar.style.transform = `scaleX(${Math.min(1, share)})`
  }

  /** While small, the tiles are one stop of the tab key, and arrows go from one to the next. */
  #rove(small: boolean): void {
    const focused = document.activeElement
    let stop: HTMLElement | undefined
    for (const { head } of this.#tiles.values()) if (head === focused) stop = head
    stop ??= this.#tiles.get(this.#open ?? -1)?.head ?? this.#tiles.values().next().value?.head
    for (const { head } of this.#tiles.values()) {
      const index = small && head === stop ? 0 : -1
      if (head.tabIndex !== index) head.tabIndex = index
    }
  }

  #onKey(event: KeyboardEvent): void {
    const heads = [...this.#tiles.values()].map(({ head }) => head)
    const at = heads.indexOf(event.target as HTMLButtonElement)
    if (at < 0 || !this.#list.classList.contains('small')) return
    const to =
      event.key === 'Home'
        ? 0
        : event.key === 'End'
          ? heads.length - 1
          : at + (ARROWS[event.key] ?? Number.NaN)
    if (!heads[to]) return
    event.preventDefault()
    heads[to].focus()
  }

  #make(id: number): Tile {
    const item = make('li', 'tile')
    const top = make('div', 'top')
    const head = make('button', 'head')
    head.type = 'button'
    head.ariaLabel = texts.server(id)
    head.append(make('span', 'word', texts.serverWord), String(id))
    head.onclick = () => {
      this.#open = this.#open === id ? undefined : id
    }
    const state = make('span', 'state')
    top.append(head, state)
    const [users, rate, busy] = [make('div', 'users'), make('div', 'rate quiet'), make('span', 'busy quiet')]
    const meter = make('div', 'meter')
    meter.role = 'meter'
    meter.ariaLabel = texts.loadOf(id)
    meter.ariaValueMin = '0'
    meter.ariaValueMax = '100'
    const bar = make('i')
    meter.append(bar)
    const acts = make('div', 'acts')
    const drain = make('button', '', texts.drain)
    drain.type = 'button'
    drain.ariaLabel = texts.drainServer(id)
    drain.onclick = () => this.#act(id, 'drain')
    acts.append(
      drain,
      sureButton(
        { text: texts.kill, label: texts.killServer(id), sure: texts.sure, really: texts.reallyKill(id) },
        () => this.#act(id, 'kill'),
      ),
    )
    item.append(top, users, rate, meter, busy, acts)
    this.#list.append(item)
    const tile = { item, head, state, users, rate, meter, bar, busy, drain }
    this.#tiles.set(id, tile)
    return tile
  }
}
