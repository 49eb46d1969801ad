import type { FleetEvent, FleetSnapshot } from '../src/control/control-target.ts'

const KEY = 'concertina-control-token'

function headers(): Record<string, string> {
  const token = sessionStorage.getItem(KEY)
  return token === null ? {} : { authorization: `Bearer ${token}` }
}

/** Asks for the control token, when the fleet wants one; the page keeps it until it is closed. */
function askForToken(): void {
  const token = prompt('This fleet is steered with a control token:')
  if (token) sessionStorage.setItem(KEY, token)
}

async function ask(path: string, init: RequestInit): Promise<Response> {
  const response = await fetch(path, { ...init, headers: { ...headers(), ...init.headers } })
  if (response.status === 401) askForToken()
  if (response.ok) return response
  const { message, hint } = (await response.json()) as { message: string; hint?: string }
  throw new Error(hint ? `${message}; allowed: ${hint}` : message)
}

export async function get<T>(path: string): Promise<T> {
  return (await ask(path, {})).json() as Promise<T>
}

export async function post(path: string, body?: object): Promise<void> {
  await ask(path, {
    method: 'POST',
    ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  })
}

/** Follows the fleet until the page goes; connects again when it was cut off. */
export async function follow(
  onState: (state: FleetSnapshot) => void,
  onEvents: (events: FleetEvent[], first: boolean) => void,
  onCut: (reason: string) => void,
): Promise<never> {
  for (;;) {
    try {
      const reader = (await ask('/api/stream', {})).body!.pipeThrough(new TextDecoderStream()).getReader()
      let rest = ''
      let first = true
      for (;;) {
        const { value, done } = await reader.read()
        if (done) break
        const parts = (rest + value).split('\n\n')
        rest = parts.pop()!
        const events: FleetEvent[] = []
        let state: FleetSnapshot | undefined
        for (const part of parts) {
          const data = part.slice(part.indexOf('data: ') + 6)
          if (part.startsWith('event: state')) state = JSON.parse(data)
          else events.push(JSON.parse(data))
        }
        if (events.length > 0 || first) onEvents(events, first)
        first = false
        if (state) onState(state)
      }
      onCut('the fleet is gone; connecting again…')
    } catch (error) {
      onCut((error as Error).message)
    }
    await new Promise((resolve) => setTimeout(resolve, 1000))
  }
}
