import { get } from '../lib/api.ts'
import { button, make, set } from '../lib/dom.ts'
import { KeyedList } from '../lib/keyed-list.ts'
import { texts } from './texts.ts'
import { field, link } from './view.ts'

/** A name with a note of how much it has. */
interface Named {
  readonly name: string
  readonly note: string
}

/** One page of names, as the API gives it. */
interface NamePage {
  readonly names: readonly Named[]
  readonly total: number
  readonly next?: string | undefined
}

interface NameListOptions<Answer> {
  readonly view: 'room' | 'user'
  /** What is asked: its answer is of one page. */
  readonly path: string
  /** Of the query, beside search and page. */
  more?(): Record<string, string>
  read(answer: Answer): NamePage
  /** How many there are, in words. */
  found(total: number): string
  /** Shows what is there now. */
  refresh(): void
}

const PAGE = 50

/** Names that can be searched, a page at a time, each a link to its view. */
export class NameList<Answer> {
  readonly search = make('input')
  readonly content: readonly HTMLElement[]
  readonly #options: NameListOptions<Answer>
  readonly #list: KeyedList<Named>
  readonly #found = make('p', 'quiet found')
  readonly #byName = make('p', 'by-name')
  readonly #back: HTMLButtonElement
  readonly #on: HTMLButtonElement
  /** Where the pages up to this one begin. */
  #pages = ['']
  #next: string | undefined

  constructor(options: NameListOptions<Answer>) {
    this.#options = options
    this.search.type = 'search'
    this.search.autocomplete = 'off'
    this.search.oninput = () => this.restart()
    const list = make('ul', 'rows')
    this.#list = new KeyedList(
      list,
      ({ name }) => name,
      ({ name }) => {
        const item = make('li')
        const note = make('span', 'quiet note')
        item.append(link(options.view, name), note)
        return { item, update: (value) => set(note, 'textContent', value.note) }
      },
    )
    this.#back = button(texts.previous, () => this.#turn(this.#pages.slice(0, -1)))
    this.#on = button(texts.next, () => this.#turn([...this.#pages, this.#next ?? '']))
    const pager = make('div', 'pager')
    pager.append(this.#back, this.#on)
    this.#found.role = 'status'
    this.content = [field(texts.search, this.search), this.#byName, this.#found, list, pager]
  }

  /** Shows the first page of what is asked for now. */
  restart(): void {
    this.#turn([''])
  }

  #turn(pages: string[]): void {
    this.#pages = pages
    this.#options.refresh()
  }

  async refresh(): Promise<void> {
    const { path, more, read, found, view } = this.#options
    const search = this.search.value.trim()
    const pages = this.#pages
    const query = { search, after: pages.at(-1) ?? '', limit: String(PAGE), ...more?.() }
    const { names, total, next } = read(await get<Answer>(`${path}?${new URLSearchParams(query)}`))
    // Another page or search may have been asked for meanwhile.
    if (pages !== this.#pages || search !== this.search.value.trim()) return
    this.#next = next
    this.#list.show(names)
    set(this.#found, 'textContent', total === 0 ? texts.noneFound : found(total))
    set(this.#back, 'hidden', pages.length === 1)
    set(this.#on, 'hidden', next === undefined)
    if (this.#byName.dataset.name === search) return
    this.#byName.dataset.name = search
    const open = link(view, search)
    open.textContent = texts.openByName(search)
    this.#byName.replaceChildren(...(search === '' ? [] : [open]))
  }
}
