import type { ModerationAction } from '../../src/chat/access/moderation.ts'
import { get, post, remove } from '../lib/api.ts'
import { button, make, set } from '../lib/dom.ts'
import { KeyedList } from '../lib/keyed-list.ts'
import { moment, texts } from './texts.ts'
import { link, type Page, path, plainPanel, type View } from './view.ts'

type Decision = ModerationAction & { readonly user?: string; readonly room?: string; readonly id?: string }

/** Bans, mutes and whatever else holds now, each of which can be ended. */
export class DecisionList {
  readonly content: readonly HTMLElement[]
  readonly #rows: KeyedList<Decision>
  readonly #none: HTMLElement
  readonly #concerns: (decision: Decision) => boolean

  /** @param concerns which decisions are listed */
  constructor(page: Page, none: string, concerns: (decision: Decision) => boolean = () => true) {
    const list = make('ul', 'rows decisions')
    this.#rows = new KeyedList(
      list,
      ({ type, user, room, id }) => JSON.stringify([type, user, room, id]),
      (decision) => decisionRow(decision, page),
    )
    this.#none = make('p', 'quiet', none)
    this.#concerns = concerns
    this.content = [list, this.#none]
  }

  async refresh(): Promise<void> {
    const { active } = await get<{ active: Decision[] }>(path`moderation`)
    const shown = active.filter(this.#concerns)
    this.#rows.show(shown)
    set(this.#none, 'hidden', shown.length > 0)
  }
}

/** Everything that moderators decided and that holds now. */
export function decisionsView(page: Page): View {
  const list = new DecisionList(page, texts.noDecisions)
  return {
    title: texts.decisions,
    tab: 'decisions',
    content: [plainPanel(...list.content)],
    refresh: () => list.refresh(),
  }
}

function decisionRow(decision: Decision, page: Page) {
  const { type, user, room, id } = decision
  const item = make('li')
  const what = make('span', 'what')
  const who = user ?? room ?? id ?? ''
  what.append(
    user !== undefined ? link('user', user) : room !== undefined ? link('room', room) : who,
    ` ${texts.types[type] ?? type} `,
    ...(user !== undefined && room !== undefined ? [texts.inRoom(''), link('room', room)] : []),
  )
  const more = make('span', 'quiet note')
  item.append(what, more)
  const word = texts.end[type]
  if (word !== undefined) {
    const end = button(word, () => page.act(() => endOf(decision), texts.ended(who)))
    end.ariaLabel = texts.endOf(word, room === undefined || who === room ? who : `${who}, ${room}`)
    item.append(end)
  }
  return {
    item,
    update: (now: Decision) => {
      const until = 'until' in now && now.until !== undefined ? texts.until(moment(now.until)) : ''
      const before = 'before' in now ? texts.issuedBefore(moment(now.before)) : ''
      const reason = 'reason' in now && now.reason !== undefined ? `“${now.reason}”` : ''
      set(more, 'textContent', [until, before, reason].filter(Boolean).join(', '))
    },
  }
}

function endOf({ type, user = '', room }: Decision): Promise<void> {
  if (type === 'close-room') return post(path`rooms/${room ?? ''}/open`)
  return remove(path`users/${user}/${type}` + (room === undefined ? '' : `?${new URLSearchParams({ room })}`))
}
