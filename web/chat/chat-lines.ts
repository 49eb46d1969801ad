import { type MessageLine, noteLine } from './chat-message.ts'
import { texts } from './texts.ts'

/** Lines kept while the newest is visible, and while the user reads further back. */
const MOST_SHOWN = 500
const MOST_KEPT = 2000
/** Pixels from an end of the list that count as being there. */
export const NEAR = 80

/** The lines of a room in their order, with a line at every new day and one where the unread messages begin. */
export class ChatLines {
  readonly list = document.createElement('ol')
  readonly #byItem = new WeakMap<Element, MessageLine>()
  readonly #byPlace = new Map<number, MessageLine>()
  #marker: HTMLLIElement | undefined
  /** The last place before the marker. */
  #readTo = 0

  /** Whether the newest line is in sight. */
  get atEnd(): boolean {
    const { scrollHeight, scrollTop, clientHeight } = this.list
    return scrollHeight - scrollTop - clientHeight < NEAR
  }

  /** The message at a place, when it is shown. */
  at(place: number): MessageLine | undefined {
    return this.#byPlace.get(place)
  }

  /** The messages from the oldest to the newest. */
  *messages(): Generator<MessageLine> {
    for (const item of this.list.children) {
      const line = this.#byItem.get(item)
      if (line) yield line
    }
  }

  /** Puts a message before what is still on its way. Returns whether older lines had to go for it. */
  add(line: MessageLine, waiting?: MessageLine): boolean {
    this.#know(line)
    return this.#put(line.item, waiting)
  }

  note(text: string, waiting?: MessageLine): boolean {
    return this.#put(noteLine(text), waiting)
  }

  /** Puts older messages before the others; what is in sight stays where it is. */
  prepend(lines: readonly MessageLine[], note?: string): void {
    const { list } = this
    const fromEnd = list.scrollHeight - list.scrollTop
    for (const line of lines) this.#know(line)
    list.prepend(...(note === undefined ? [] : [noteLine(note)]), ...lines.map(({ item }) => item))
    if (this.#marker) this.#placeMarker()
    this.#separateDays()
    list.scrollTop = list.scrollHeight - fromEnd
  }

  /** What others wrote after the place `readTo` is unread: there is a line before it, unless there is one already. */
  markAfter(readTo: number): void {
    if (this.#marker) return
    const end = this.atEnd
    this.#readTo = readTo
    this.#marker = noteLine(texts.newMarker, 'marker')
    this.#placeMarker()
    this.#separateDays()
    if (end) this.goToEnd()
  }

  unmark(): void {
    this.#marker?.remove()
    this.#marker = undefined
  }

  goToEnd(): void {
    this.list.scrollTop = this.list.scrollHeight
  }

  /** Goes to where the unread messages begin; returns false when none do. */
  goToMarker(): boolean {
    if (!this.#marker?.isConnected) return false
    this.#marker.scrollIntoView()
    return true
  }

  #know(line: MessageLine): void {
    this.#byItem.set(line.item, line)
    if (line.seq !== undefined) this.#byPlace.set(line.seq, line)
  }

  #put(item: HTMLLIElement, waiting: MessageLine | undefined): boolean {
    const { list } = this
    const end = this.atEnd
    list.insertBefore(item, waiting?.item ?? null)
    const most = end ? MOST_SHOWN : MOST_KEPT
    const trimmed = list.childElementCount > most
    while (list.childElementCount > most) this.#drop(list.firstElementChild!)
    this.#separateDays()
    if (end) this.goToEnd()
    return trimmed
  }

  #drop(item: Element): void {
    const seq = this.#byItem.get(item)?.seq
    if (seq !== undefined) this.#byPlace.delete(seq)
    item.remove()
  }

  #placeMarker(): void {
    for (const { item, seq, own } of this.messages()) {
      if (seq === undefined || seq <= this.#readTo || own) continue
      item.before(this.#marker!)
      return
    }
  }

  /** Lets the first message of every day have the date before it, and no other. */
  #separateDays(): void {
    let before = ''
    let kept: Element | undefined
    for (const item of [...this.list.children]) {
      if (item.classList.contains('day')) {
        kept?.remove()
        kept = item
        continue
      }
      const line = this.#byItem.get(item)
      if (!line) continue
      const { day } = line
      if (day === before) {
        kept?.remove()
      } else if (kept?.textContent !== day) {
        kept?.remove()
        const at = item.previousElementSibling === this.#marker ? this.#marker : item
        ;(at ?? item).before(noteLine(day, 'day'))
      }
      before = day
      kept = undefined
    }
    kept?.remove()
  }
}
