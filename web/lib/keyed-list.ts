/** One entry of a list as the page shows it. */
export interface Row<T> {
  readonly item: HTMLElement
  update(value: T): void
}

/** A list whose entries keep their elements, and so the focus, while they are there. */
export class KeyedList<T> {
  readonly #list: HTMLElement
  readonly #key: (value: T) => string
  readonly #make: (value: T) => Row<T>
  readonly #rows = new Map<string, Row<T>>()

  constructor(list: HTMLElement, key: (value: T) => string, make: (value: T) => Row<T>) {
    this.#list = list
    this.#key = key
    this.#make = make
  }

  show(values: readonly T[]): void {
    const gone = new Set(this.#rows.keys())
    let place: Element | null = null
    for (const value of values) {
      const key = this.#key(value)
      gone.delete(key)
      let row = this.#rows.get(key)
      if (!row) {
        row = this.#make(value)
        this.#rows.set(key, row)
      }
      row.update(value)
      const next: Element | null = place ? place.nextElementSibling : this.#list.firstElementChild
      if (next !== row.item) this.#list.insertBefore(row.item, next)
      place = row.item
    }
    for (const key of gone) {
      this.#rows.get(key)!.item.remove()
      this.#rows.delete(key)
    }
  }
}
