import type { RoomMessage } from '../../src/client/browser.ts'
import { make } from '../lib/dom.ts'
import { dateLocale } from '../lib/language.ts'
import { withLinks } from './chat-links.ts'
import { texts } from './texts.ts'

/** A message as the page shows it; one that is on its way has no place yet. */
type Shown = Pick<RoomMessage, 'user' | 'body' | 'time' | 'data' | 'deleted' | 'editedAt'> & {
  readonly seq?: number
}

const clock = new Intl.DateTimeFormat(dateLocale, { hour: '2-digit', minute: '2-digit' })
const fullDate = new Intl.DateTimeFormat(dateLocale, { dateStyle: 'full' })
const moment = new Intl.DateTimeFormat(dateLocale, { dateStyle: 'full', timeStyle: 'medium' })

/** A line that the page itself says. */
export function noteLine(text: string, className = 'note'): HTMLLIElement {
  return make('li', className, text)
}

/** One message of the conversation. What a user wrote is text, never markup, and has its own text direction. */
export class MessageLine {
  readonly item = document.createElement('li')
  readonly own: boolean
  /** The date of the message, in words. */
  readonly day: string
  /** What the app keeps with the message. */
  data: Shown['data']
  /** The button that shows what can be done with the message; there is none while it is on its way or when it is deleted. */
  more: HTMLButtonElement | undefined
  #seq: number | undefined
  #body: string
  #editedAt: number | undefined
  #deleted = false
  readonly #said: HTMLElement

  constructor({ user, body, time, data, deleted, editedAt, seq }: Shown, own: boolean) {
    this.own = own
    this.day = fullDate.format(time)
    this.data = data
    this.#body = body
    this.item.classList.toggle('own', own)
    this.#said = make('span', 'body', '')
    this.#said.dir = 'auto'
    this.#said.append(...withLinks(body))
    const when = make('time', 'quiet', clock.format(time))
    when.dateTime = new Date(time).toISOString()
    when.title = moment.format(time)
    this.item.append(make('bdi', 'who', user), this.#said, when)
    if (seq !== undefined) this.placed(seq)
    if (deleted) this.showDeleted()
    else if (editedAt !== undefined) this.showEdited(body, data, editedAt)
  }

  /** Its place in the room, once it is there. */
  get seq(): number | undefined {
    return this.#seq
  }

  get body(): string {
    return this.#body
  }

  /** The message is in the room, at this place. */
  placed(seq: number): void {
    this.#seq = seq
    const more = make('button', 'more', '⋯')
    more.type = 'button'
    more.tabIndex = -1
    more.title = texts.actionsHelp
    more.setAttribute('aria-label', texts.actions)
    more.setAttribute('aria-expanded', 'false')
    this.more = more
    this.item.append(more)
  }

  /** The message was deleted, for good. */
  showDeleted(): void {
    this.#deleted = true
    this.more = undefined
    const focused = this.item.contains(document.activeElement)
    this.item.classList.remove('editing')
    for (const each of this.item.querySelectorAll('.more, .actions, .edit, .edited, .reactions'))
      each.remove()
    this.#said.textContent = texts.deleted
    this.#said.className = 'body quiet'
    if (focused) this.item.parentElement?.focus()
  }

  /** The message was replaced by the edit at the place `editedAt`; the latest one counts. */
  showEdited(body: string, data: Shown['data'], editedAt: number): void {
    if (this.#deleted || editedAt < (this.#editedAt ?? 0)) return
    this.#editedAt = editedAt
    this.#body = body
    this.data = data
    this.#said.replaceChildren(...withLinks(body))
    if (!this.item.querySelector('.edited')) this.item.append(make('span', 'edited quiet', texts.edited))
  }

  /** Shows `bar` under the message instead of the one before; a button of it that has the focus keeps it. */
  showReactions(bar: HTMLElement): void {
    const before = this.item.querySelector('.reactions')
    const focused = before?.querySelector<HTMLElement>(':focus')?.dataset.key
    before?.remove()
    if (bar.childElementCount > 0 && !this.#deleted) this.item.append(bar)
    if (focused === undefined) return
    const buttons = [...bar.querySelectorAll('button')]
    const again = buttons.find(({ dataset }) => dataset.key === focused) ?? this.more
    again?.focus()
  }

  /** Says how far an own message has come. */
  tick(mark: string, meaning: string): void {
    let said = this.item.querySelector<HTMLElement>('.tick')
    if (!said) {
      said = make('span', 'tick', '')
      said.setAttribute('role', 'img')
      this.item.append(said)
    }
    said.textContent = mark
    said.title = meaning
    said.setAttribute('aria-label', meaning)
  }
}
