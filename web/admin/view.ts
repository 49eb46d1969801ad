import { make } from '../lib/dom.ts'

/** One of the page's views, shown until another is. */
export interface View {
  /** What the title of the page says. */
  readonly title: string
  /** Where the view belongs in the navigation. */
  readonly tab: 'rooms' | 'users' | 'decisions'
  readonly content: readonly HTMLElement[]
  /** Fetches what is shown, and shows it. */
  refresh(): Promise<void>
}

/** What a view may ask of the page. */
export interface Page {
  /** Does something, says what was done or what went wrong, and shows what is different. */
  act(what: () => Promise<void>, done: string): void
  /** Shows again what the view has, at once. */
  refresh(): void
}

export const path = (strings: TemplateStringsArray, ...names: readonly (string | number)[]): string =>
  `/api/chat/${String.raw(strings, ...names.map((name) => encodeURIComponent(name)))}`

/** A link to a view of this page. */
export function link(view: 'room' | 'user', name: string): HTMLAnchorElement {
  const anchor = make('a', 'name', name)
  anchor.href = `#/${view}/${encodeURIComponent(name)}`
  anchor.dir = 'auto'
  return anchor
}

/** A part of a view under a heading. */
export function panel(title: string, ...content: readonly (HTMLElement | string)[]): HTMLElement {
  const section = make('section')
  section.ariaLabel = title
  section.append(make('h2', '', title), ...content)
  return section
}

/** A part of a view whose own title says enough. */
export function plainPanel(...content: readonly HTMLElement[]): HTMLElement {
  const section = make('section')
  section.append(...content)
  return section
}

/** Parts that stay below each other where there is room for two columns. */
export function column(...content: readonly HTMLElement[]): HTMLElement {
  const whole = make('div', 'column')
  whole.append(...content)
  return whole
}

let labels = 0

/** A field of a form with its label. */
export function field(text: string, input: HTMLInputElement | HTMLSelectElement): HTMLElement {
  const whole = make('div', 'field')
  const label = make('label', '', text)
  input.id = `field-${++labels}`
  label.htmlFor = input.id
  whole.append(label, input)
  return whole
}
