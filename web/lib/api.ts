import type { FleetEvent, FleetSnapshot } from '../../src/control/control-target.ts'
import { askForToken, controlToken } from './token.ts'

/** The fleet sends its state ten times a second: after this many milliseconds of silence the connection is dead. */
const SILENCE_MS = 4000
/** Milliseconds before it connects again. */
const AGAIN_MS = 1000

/** @param path begins with a slash; it is relative to the page, which a proxy may give out under a path of its own */
async function request(path: string, init: RequestInit): Promise<Response> {
  for (;;) {
    const token = controlToken()
    const authorization: Record<string, string> = token === null ? {} : { authorization: `Bearer ${token}` }
    const response = await fetch(`.${path}`, {
      ...init,
      headers: { ...authorization, ...init.headers },
    }).catch(() => {
      throw new Error('the fleet does not answer')
    })
    if (response.status === 401) {
      await askForToken(token)
      continue
    }
    if (response.ok) return response
    const said = (await response.json().catch(() => ({}))) as { message?: string; hint?: string }
    const message = said.message ?? `the fleet answers ${response.status}`
    throw new Error(said.hint ? `${message}; allowed: ${said.hint}` : message)
  }
}

export async function get<T>(path: string): Promise<T> {
  return (await request(path, {})).json() as Promise<T>
}

export async function post(path: string, body?: object): Promise<void> {
  await request(path, {
    method: 'POST',
    ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  })
}

export async function remove(path: string): Promise<void> {
  await request(path, { method: 'DELETE' })
}

/** What a page does with what the fleet sends. */
export interface Follower {
  /** Called whenever the page is about to be connected: the past may be fetched. */
  onConnect(): Promise<void>
  onState(state: FleetSnapshot): void
  /** @param first whether these are all there were, after a connection was made */
  onEvents(events: readonly FleetEvent[], first: boolean): void
  onCut(reason: string): void
}

/** Follows the fleet until the page goes; connects again when it was cut off. */
export async function follow(follower: Follower): Promise<never> {
  for (;;) {
    try {
      await follower.onConnect()
      await followOnce(follower)
      follower.onCut('the fleet is gone')
    } catch (error) {
      follower.onCut((error as Error).message)
    }
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS))
  }
}

async function followOnce({ onState, onEvents }: Follower): Promise<void> {
  const { body } = await request('/api/stream', {})
  const reader = body!.pipeThrough(new TextDecoderStream()).getReader()
  let rest = ''
  let first = true
  for (;;) {
    const { value, done } = await soon(reader.read(), () => void reader.cancel().catch(() => {}))
    if (done) return
    const parts = (rest + value).split('\n\n')
    rest = parts.pop()!
    const events: FleetEvent[] = []
    let state: string | undefined
    for (const part of parts) {
      const data = part.slice(part.indexOf('data: ') + 6)
      // Of several states that waited only the newest counts.
      if (part.startsWith('event: state')) state = data
      else events.push(JSON.parse(data))
    }
    if (events.length > 0 || first) onEvents(events, first)
    first = false
    if (state) onState(JSON.parse(state))
  }
}

/** Waits for the fleet's next word, and gives it up after too long a silence. */
async function soon<T>(next: Promise<T>, giveUp: () => void): Promise<T> {
  let timer = 0
  const silence = new Promise<never>((_, reject) => {
    timer = window.setTimeout(() => {
      giveUp()
      reject(new Error('no data for 4 s'))
    }, SILENCE_MS)
  })
  try {
    return await Promise.race([next, silence])
  } finally {
    clearTimeout(timer)
  }
}
