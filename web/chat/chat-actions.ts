import { button } from '../lib/dom.ts'
import { type EditForm, editForm } from './chat-edit.ts'
import type { ChatLines } from './chat-lines.ts'
import type { MessageLine } from './chat-message.ts'
import { REACTIONS } from './chat-reactions.ts'
import { texts } from './texts.ts'

/** What can be done with a message that has a place. */
interface Deeds {
  reacted(line: MessageLine, key: string): boolean
  react(line: MessageLine, key: string): void
  edit(line: MessageLine, body: string): Promise<unknown>
  delete(line: MessageLine): void
}

/**
 * The actions of the messages of a room: one message at a time shows its own. All their buttons are one stop of the tab key,
 * at the newest message first; the arrow keys go to the others.
 */
export class MessageActions {
  readonly #lines: ChatLines
  readonly #deeds: Deeds
  #stop: HTMLButtonElement | undefined
  #open: { readonly line: MessageLine; readonly group: HTMLElement } | undefined

  constructor(lines: ChatLines, deeds: Deeds) {
    this.#lines = lines
    this.#deeds = deeds
    lines.list.addEventListener('click', ({ target }) => {
      const line = this.#lineOf(target)
      if (line) this.#toggle(line)
    })
    lines.list.addEventListener('focusin', ({ target }) => this.#stopAt(this.#lineOf(target)?.more))
    lines.list.addEventListener('keydown', (event) => this.#onKey(event))
  }

  /** There is another newest message, or one less: where the tab key stops. */
  update(): void {
    const { list } = this.#lines
    const inside = list.contains(document.activeElement) && document.activeElement !== list
    if (!inside) this.#stopAt(this.#buttons().at(-1))
  }

  #buttons(): HTMLButtonElement[] {
    return [...this.#lines.list.querySelectorAll<HTMLButtonElement>('.more')]
  }

  #stopAt(button: HTMLButtonElement | undefined): void {
    if (!button) return
    if (this.#stop) this.#stop.tabIndex = -1
    this.#stop = button
    button.tabIndex = 0
  }

  /** The message whose actions `target` shows. */
  #lineOf(target: EventTarget | null): MessageLine | undefined {
    if (!(target instanceof Element) || !target.classList.contains('more')) return undefined
    return [...this.#lines.messages()].find(({ more }) => more === target)
  }

  #onKey(event: KeyboardEvent): void {
    if (event.key === 'Escape' && this.#open) {
      this.#close()
    } else if (this.#lineOf(event.target) && (event.key === 'ArrowUp' || event.key === 'ArrowDown')) {
      const buttons = this.#buttons()
      const at = buttons.indexOf(event.target as HTMLButtonElement)
      buttons[at + (event.key === 'ArrowUp' ? -1 : 1)]?.focus()
    } else {
      return
    }
    event.preventDefault()
  }

  #toggle(line: MessageLine): void {
    const wasOpen = this.#open?.line === line && this.#open.group.isConnected
    this.#close()
    if (wasOpen) return
    const group = document.createElement('div')
    group.className = 'actions'
    group.setAttribute('role', 'group')
    group.setAttribute('aria-label', texts.actions)
    for (const key of REACTIONS) {
      const react = () => {
        this.#deeds.react(line, key)
        this.#close()
      }
      const choice = button(key, react, texts.reactWith(key))
      choice.setAttribute('aria-pressed', String(this.#deeds.reacted(line, key)))
      group.append(choice)
    }
    if (line.own) {
      group.append(
        button(texts.edit, () => this.#edit(line)),
        this.#deleteButton(line),
      )
    }
    line.item.append(group)
    line.more?.setAttribute('aria-expanded', 'true')
    this.#open = { line, group }
    group.scrollIntoView({ block: 'nearest' })
    group.querySelector('button')!.focus()
  }

  /** Hides the actions that are shown, and gives the focus back to where they came from. */
  #close(): void {
    if (!this.#open) return
    const { line, group } = this.#open
    this.#open = undefined
    const focused = group.contains(document.activeElement)
    group.remove()
    line.more?.setAttribute('aria-expanded', 'false')
    if (focused) line.more?.focus()
  }

  /** What is deleted is gone for good: the first press asks. */
  #deleteButton(line: MessageLine): HTMLButtonElement {
    let asked = false
    const made = button(texts.delete, () => {
      if (asked) {
        this.#close()
        this.#deeds.delete(line)
        return
      }
      asked = true
      made.textContent = texts.reallyDelete
    })
    return made
  }

  #edit(line: MessageLine): void {
    this.#close()
    const end = () => {
      form.element.remove()
      line.item.classList.remove('editing')
      line.more?.focus()
    }
    const form: EditForm = editForm(
      line.body,
      async (body) => {
        if (body !== line.body) await this.#deeds.edit(line, body)
        end()
      },
      end,
    )
    line.item.querySelector('.edit')?.remove()
    line.item.classList.add('editing')
    line.item.append(form.element)
    form.focus()
  }
}
