/** The element of the page with this id. */
export const byId = <T extends HTMLElement>(id: string) => document.getElementById(id) as T

/** Makes an element with text. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className = '',
  text = '',
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag)
  if (className) element.className = className
  if (text) element.textContent = text
  return element
}

/** @param label what it is called, where its text does not say enough */
export function button(text: string, act: () => void, label?: string): HTMLButtonElement {
  const made = make('button', '', text)
  made.type = 'button'
  if (label !== undefined) made.setAttribute('aria-label', label)
  made.onclick = act
  return made
}

/** Writes a property of an element when it differs: what is unchanged costs the browser nothing. */
export function set<T extends HTMLElement, K extends 'textContent' | 'className' | 'title' | 'hidden'>(
  element: T,
  key: K,
  value: T[K],
): void {
  if (element[key] !== value) element[key] = value
}

/** Says on the page what went wrong; an empty text hides it. */
export function showProblem(text: string): void {
  set(byId('problem-text'), 'textContent', text)
  set(byId('problem'), 'hidden', text === '')
}

/** What a button is called, and what it asks when it was pressed once. */
interface SureTexts {
  readonly text: string
  readonly label: string
  readonly sure: string
  readonly really: string
}

/** Milliseconds after which the first press is forgotten. */
const SURE_MS = 4000

/** A button that is pressed twice: it asks first, and forgets after a while or when it loses the focus. */
export function sureButton(
  { text, label, sure: asks, really }: SureTexts,
  act: () => void,
): HTMLButtonElement {
  const button = make('button', 'asks')
  button.type = 'button'
  let timer = 0
  const ask = (sure: boolean) => {
    clearTimeout(timer)
    button.classList.toggle('sure', sure)
    button.textContent = sure ? asks : text
    button.ariaLabel = sure ? really : label
    if (sure) timer = window.setTimeout(() => ask(false), SURE_MS)
  }
  button.onclick = () => {
    const sure = button.classList.contains('sure')
    ask(!sure)
    if (sure) act()
  }
  button.onblur = () => ask(false)
  ask(false)
  return button
}
