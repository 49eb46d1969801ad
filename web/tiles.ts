import type { ServerSnapshot } from '../src/control/control-target.ts'

interface Tile {
  readonly item: HTMLLIElement
  readonly head: HTMLElement
  readonly text: HTMLElement
  readonly meter: HTMLMeterElement
  readonly drain: HTMLButtonElement
}

/** A tile for each server; only what changed is written. */
export class Tiles {
  readonly #list: HTMLElement
  readonly #tiles = new Map<number, Tile>()
  readonly #act: (id: number, what: 'drain' | 'kill') => void

  constructor(list: HTMLElement, act: (id: number, what: 'drain' | 'kill') => void) {
    this.#list = list
    this.#act = act
  }

  show(servers: readonly ServerSnapshot[]): void {
    const gone = new Set(this.#tiles.keys())
    for (const server of servers) {
      gone.delete(server.id)
      const tile = this.#tiles.get(server.id) ?? this.#make(server.id)
      const { state, users, messagesPerSecond, eventLoopUtilization, memoryBytes } = server
      set(tile.item, 'className', `tile ${state}`)
      set(tile.head, 'textContent', `Server ${server.id}`)
      const memory = memoryBytes === undefined ? '' : `, ${(memoryBytes / 2 ** 20).toFixed(0)} MiB`
      set(
        tile.text,
        'textContent',
        `${state}, ${users} users\n${messagesPerSecond.toFixed(0)} messages/s${memory}`,
      )
      const busy = Math.round((eventLoopUtilization ?? 0) * 100) / 100
      if (tile.meter.value !== busy) tile.meter.value = busy
      set(tile.meter, 'title', `event loop ${Math.round(busy * 100)} % busy`)
      if (tile.drain.disabled !== (state !== 'ready')) tile.drain.disabled = state !== 'ready'
    }
    for (const id of gone) {
      this.#tiles.get(id)!.item.remove()
      this.#tiles.delete(id)
    }
  }

  #make(id: number): Tile {
    const item = document.createElement('li')
    const head = document.createElement('strong')
    const text = document.createElement('div')
    text.className = 'quiet'
    const meter = document.createElement('meter')
    meter.max = 1
    meter.high = 0.8
    meter.setAttribute('aria-label', `Event loop of server ${id}`)
    const acts = document.createElement('div')
    acts.className = 'acts'
    const button = (what: 'drain' | 'kill') => {
      const made = document.createElement('button')
      made.textContent = what === 'drain' ? 'Drain' : 'Kill'
      made.setAttribute('aria-label', `${made.textContent} server ${id}`)
      made.onclick = () => this.#act(id, what)
      acts.append(made)
      return made
    }
    const drain = button('drain')
    button('kill')
    item.append(head, text, meter, acts)
    this.#list.append(item)
    const tile = { item, head, text, meter, drain }
    this.#tiles.set(id, tile)
    return tile
  }
}

function set<T extends HTMLElement, K extends 'textContent' | 'className' | 'title'>(
  element: T,
  key: K,
  value: string,
): void {
  if (element[key] !== value) element[key] = value
}
