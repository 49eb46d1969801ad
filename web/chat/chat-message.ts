/** A message as the page shows it. */
export interface Shown {
  readonly user: string
  readonly body: string
  /** Milliseconds since 1970. */
  readonly time: number
  readonly deleted?: true
  readonly editedAt?: number
}

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' })
const day = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'medium' })

function element(tag: string, className: string, text: string): HTMLElement {
  const made = document.createElement(tag)
  made.className = className
  made.textContent = text
  return made
}

/** One line of the conversation. What a user wrote is text, never markup, and has its own text direction. */
export function messageLine({ user, body, time, deleted, editedAt }: Shown, own: boolean): HTMLLIElement {
  const item = document.createElement('li')
  item.classList.toggle('own', own)
  const said = element('span', 'body', body)
  said.dir = 'auto'
  const when = element('time', 'quiet', clock.format(time)) as HTMLTimeElement
  when.dateTime = new Date(time).toISOString()
  when.title = day.format(time)
  item.append(element('bdi', 'who', user), said, when)
  if (deleted) showDeleted(item)
  else if (editedAt !== undefined) showEdited(item, body)
  return item
}

/** The message of this line was deleted. */
export function showDeleted(item: HTMLLIElement): void {
  const body = item.querySelector('.body')!
  body.textContent = 'deleted'
  body.className = 'body quiet'
}

/** The message of this line was replaced. */
export function showEdited(item: HTMLLIElement, body: string): void {
  item.querySelector('.body')!.textContent = body
  if (!item.querySelector('.edited')) item.append(element('span', 'edited quiet', 'edited'))
}

/** A line that the page itself says. */
export function noteLine(text: string, className = 'note'): HTMLLIElement {
  return element('li', className, text) as HTMLLIElement
}

/** Says how far an own message has come. */
export function tick(item: HTMLLIElement, mark: string, meaning: string): void {
  let said = item.querySelector<HTMLElement>('.tick')
  if (!said) {
    said = element('span', 'tick', '')
    said.setAttribute('role', 'img')
    item.append(said)
  }
  said.textContent = mark
  said.title = meaning
  said.setAttribute('aria-label', meaning)
}
