import { byId } from './dom.ts'
import { pageTexts } from './language.ts'

const texts = pageTexts({
  en: {
    gate: 'Control token',
    gateLabel: 'This fleet needs a control token',
    open: 'Open',
    wrongToken: 'The fleet rejects this token.',
  },
  zh: {
    gate: '控制令牌',
    gateLabel: '此集群需要控制令牌才能操作',
    open: '打开',
    wrongToken: '集群不接受这个令牌。',
  },
})

const KEY = 'concertina-control-token'

/** The control token that was given to this page, until it is closed. */
export function controlToken(): string | null {
  return sessionStorage.getItem(KEY)
}

let waiting: Promise<void> | undefined

/**
 * Asks for the control token, in the place of the page's content, and waits for it.
 * @param rejected the token that the fleet rejected, or `null` when none was sent
 */
export async function askForToken(rejected: string | null): Promise<void> {
  // Several requests may be rejected at once: one answer is for all of them.
  if (controlToken() !== rejected) return
  waiting ??= entered(rejected).finally(() => {
    waiting = undefined
  })
  await waiting
}

function entered(rejected: string | null): Promise<void> {
  const [gate, main, input] = [byId('gate'), byId('main'), byId<HTMLInputElement>('token')]
  byId('token-problem').textContent = rejected === null ? '' : texts.wrongToken
  main.hidden = true
  gate.hidden = false
  input.value = ''
  input.focus()
  return new Promise((resolve) => {
    byId('token-form').addEventListener(
      'submit',
      (event) => {
        event.preventDefault()
        sessionStorage.setItem(KEY, input.value)
        gate.hidden = true
        main.hidden = false
        resolve()
      },
      { once: true },
    )
  })
}
