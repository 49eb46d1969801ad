import type { WhatIf } from '../../src/backtest/what-if.ts'
import type { FleetSnapshot } from '../../src/control/control-target.ts'
import type { StateField } from '../../src/control/state-history.ts'
import type { PolicySpec } from '../../src/scaling/policies.ts'
import { get } from '../lib/api.ts'
import { byId, make, set } from '../lib/dom.ts'
import { clock } from '../lib/format.ts'
import { texts } from './texts.ts'
import type { WhatIfQuestion } from './what-if-worker.ts'

/** Seconds of the past that are worth a replay. */
const LEAST_SECONDS = 20
/** From launch to ready where no server was seen to start. */
const USUAL_DELAY = 1

interface Rows {
  readonly fields: readonly StateField[]
  readonly rows: readonly (readonly (number | null)[])[]
}

async function recorded(): Promise<WhatIfQuestion['recorded']> {
  const { fields, rows } = await get<Rows>('/api/history?after=-1')
  const known = rows.filter((row, i) => i === 0 || row[0]! > rows[i - 1]![0]!)
  const column = (field: StateField) => {
    const at = fields.indexOf(field)
    return known.map((row) => row[at] ?? 0)
  }
  return { times: column('time'), load: column('load'), size: column('size'), ready: column('ready') }
}

function replay(question: WhatIfQuestion): Promise<WhatIf> {
  const worker = new Worker(new URL('./what-if-worker.ts', import.meta.url), { type: 'module' })
  return new Promise<WhatIf>((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<{ result?: WhatIf; problem?: string }>) =>
      data.result ? resolve(data.result) : reject(new Error(data.problem))
    worker.onerror = ({ message }) => reject(new Error(message))
    worker.postMessage(question)
  }).finally(() => worker.terminate())
}

const percent = (share: number) => `${+(share * 100).toPrecision(2)} %`
const hours = (value: number) => value.toPrecision(3)

/** What the policy of the form would have done with the load of the last day. */
export async function askWhatIf(policy: PolicySpec, state: FleetSnapshot): Promise<WhatIf['series']> {
  const day = await recorded()
  const seconds = (day.times.at(-1) ?? 0) - (day.times[0] ?? 0)
  if (seconds < LEAST_SECONDS) throw new Error(texts.tooShort(LEAST_SECONDS))
  const usersPerServer = state.usersPerServer ?? (policy as { usersPerServer?: number }).usersPerServer
  if (usersPerServer === undefined) throw new Error(texts.noCapacity)
  const { actual, replayed, series } = await replay({
    recorded: day,
    policy,
    settings: {
      usersPerServer,
      provisioningDelay: state.provisioningDelay ?? USUAL_DELAY,
      interval: state.interval,
      ...state.limits,
    },
  })
  const rows = [
    ['', texts.asItWas, policy.kind],
    [texts.serverHours, hours(actual.serverHours), hours(replayed.serverHours)],
    [texts.overload, percent(actual.overload), percent(replayed.overload)],
    [texts.changes, String(actual.changes), String(replayed.changes)],
    [texts.peak, String(actual.peakServers), String(replayed.peakServers)],
  ]
  const table = make('table')
  for (const [i, cells] of rows.entries()) {
    const line = make('tr')
    for (const [k, cell] of cells.entries()) line.append(make(i === 0 || k === 0 ? 'th' : 'td', '', cell))
    table.append(line)
  }
  table.prepend(make('caption', '', texts.whatIfCaption(clock(seconds))))
  byId('what-if').replaceChildren(table)
  set(byId('what-if'), 'hidden', false)
  return series
}
