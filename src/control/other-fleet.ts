import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { type OptionsOf, option, optionSet, webAddress } from '../base/options.ts'
import { timeoutSignal } from '../base/timeout-signal.ts'
import { type FleetSummary, fleetSummarySchema } from './fleet-summary.ts'

/** What a config file may say of another fleet that this one shows. */
export const otherFleetOptions = optionSet({
  name: z.string().min(1).max(60).describe('what the page calls it'),
  url: webAddress.describe(
    'of its dashboard, such as https://eu.example.org:8081, as this machine reaches it',
  ),
  dashboard: option(webAddress, 'the same as browsers reach it; default url'),
  token: option(z.string().min(16), 'its control token; or the variable CONCERTINA_FLEET_TOKEN_<NAME>'),
  tokenFile: option(z.string().min(1), 'file of its control token, read whenever it is asked'),
})

export type OtherFleetOptions = OptionsOf<typeof otherFleetOptions.shape>

/** Why nothing is known of a fleet at this moment: no connection, no answer in time, its token, no leader, another answer. */
export interface FleetProblem {
  readonly kind: 'unreachable' | 'late' | 'token' | 'standby' | 'answer'
  /** What the connection or the answer said: a code. */
  readonly detail?: string
}

/** What is known of a fleet. */
export interface FleetStatus {
  readonly name: string
  /** Of its dashboard, for browsers; absent for the fleet that was asked. */
  readonly dashboard?: string
  /** The newest there is, also while it does not answer. */
  readonly summary?: FleetSummary
  /** When that was, milliseconds since 1970. */
  readonly seenMs?: number
  readonly problem?: FleetProblem
}

const TIMEOUT_MS = 3000
const MAX_ANSWER_BYTES = 1 << 16
/** Milliseconds between two questions; after a token was rejected, so that the other does not take it for guesses. */
const AGAIN_MS = 1000
const REJECTED_AGAIN_MS = 30_000

/** Another fleet, asked for its summary when a page shows it. Its token is only ever sent to its own address. */
export class OtherFleet {
  readonly #options: OtherFleetOptions
  readonly #url: URL
  #status: FleetStatus
  #asking: Promise<void> | undefined
  #nextAt = 0

  constructor(options: OtherFleetOptions) {
    this.#options = otherFleetOptions.parse(options)
    const { name, url, dashboard = url } = this.#options
    this.#url = new URL('api/summary', url.endsWith('/') ? url : `${url}/`)
    this.#status = { name, dashboard }
  }

  get status(): FleetStatus {
    return this.#status
  }

  /** Asks it, unless that was a moment ago; many who ask at once wait for the same answer. Never rejects. */
  poll(): Promise<void> {
    if (!this.#asking && performance.now() < this.#nextAt) return Promise.resolve()
    this.#asking ??= this.#fetch().finally(() => {
      this.#asking = undefined
    })
    return this.#asking
  }

  async #fetch(): Promise<void> {
    const late = timeoutSignal(TIMEOUT_MS)
    let problem: FleetProblem
    try {
      const response = await fetch(this.#url, { headers: this.#headers(), redirect: 'manual', signal: late })
      const text = await textOf(response)
      if (response.ok) {
        const summary = fleetSummarySchema.parse(JSON.parse(text))
        const { name, dashboard } = this.#status
        this.#status = { name, dashboard, summary, seenMs: Date.now() }
        this.#nextAt = performance.now() + AGAIN_MS
        return
      }
      problem = rejection(response.status, text)
    } catch (error) {
      problem = late.aborted ? { kind: 'late' } : failure(error as Error)
    }
    this.#status = { ...this.#status, problem }
    this.#nextAt = performance.now() + (problem.kind === 'token' ? REJECTED_AGAIN_MS : AGAIN_MS)
  }

  #headers(): Record<string, string> {
    const { token, tokenFile } = this.#options
    const shown = tokenFile === undefined ? token : readFileSync(tokenFile, 'utf8').trim()
    return shown === undefined ? {} : { authorization: `Bearer ${shown}` }
  }
}

/** @throws {Error} when it is too long */
async function textOf({ body }: Response): Promise<string> {
  let text = ''
  const decoder = new TextDecoder()
  for await (const chunk of body ?? []) {
    text += decoder.decode(chunk, { stream: true })
    if (text.length > MAX_ANSWER_BYTES) throw new Error('the answer is too large')
  }
  return text
}

function rejection(status: number, text: string): FleetProblem {
  if (status === 401 || status === 403 || status === 429) return { kind: 'token', detail: `HTTP ${status}` }
  if (status === 503 && text.startsWith('standby')) return { kind: 'standby' }
  return { kind: 'answer', detail: `HTTP ${status}` }
}

/** Of a failure only a code is reported: a message could repeat what was sent. */
function failure(error: Error): FleetProblem {
  const { code } = (error.cause ?? error) as NodeJS.ErrnoException
  if (error instanceof TypeError)
    return { kind: 'unreachable', ...(typeof code === 'string' && { detail: code }) }
  if (typeof code === 'string') return { kind: 'token', detail: code }
  return { kind: 'answer', detail: 'no summary' }
}
