import { AutoScaler } from '../scaling/auto-scaler.ts'
import { createPolicy, type PolicySpec } from '../scaling/policies.ts'
import { runFluid } from './fluid.ts'
import { LoadCurve } from './load-curve.ts'
import type { TimeSeries } from './time-series.ts'

/** What a fleet did, a point every few seconds: seconds since it began, users, servers desired, servers ready. */
export interface RecordedFleet {
  readonly times: readonly number[]
  readonly load: readonly number[]
  readonly size: readonly number[]
  readonly ready: readonly number[]
}

/** How a policy is replayed on it. Times in seconds. */
export interface WhatIfSettings {
  readonly usersPerServer: number
  readonly provisioningDelay: number
  readonly interval: number
  readonly minServers: number
  readonly maxServers: number
}

interface FleetFigures {
  readonly serverHours: number
  /** Share of user-time above the capacity of the ready servers. */
  readonly overload: number
  /** Changes of the number of servers. */
  readonly changes: number
  readonly peakServers: number
}

export interface WhatIf {
  readonly seconds: number
  /** What the fleet did, and what it would have done. */
  readonly actual: FleetFigures
  readonly replayed: FleetFigures
  /** Ready servers under the other policy; times as in what was recorded. */
  readonly series: TimeSeries
}

/** Decisions of one replay at most, so that any policy is done within about a second. */
const MOST_DECISIONS = 2880

function figuresOf(recorded: RecordedFleet, curve: LoadCurve, usersPerServer: number): FleetFigures {
  const { times, size, ready } = recorded
  const begin = times[0]!
  let [seconds, excess, changes] = [0, 0, 0]
  for (let i = 1; i < times.length; i++) {
    const [from, to] = [times[i - 1]! - begin, times[i]! - begin]
    seconds += size[i - 1]! * (to - from)
    excess += curve.excess(from, to, ready[i - 1]! * usersPerServer)
    if (size[i] !== size[i - 1]) changes++
  }
  return {
    serverHours: seconds / 3600,
    overload: excess / (curve.excess(0, curve.duration, 0) || 1),
    changes,
    peakServers: size.reduce((most, each) => Math.max(most, each), 0),
  }
}

/**
 * What another policy would have done with the load that a fleet had, beside what the fleet did.
 * @throws {ConcertinaError} INVALID_INPUT for a policy that cannot be made.
 */
export function whatIf(recorded: RecordedFleet, policy: PolicySpec, settings: WhatIfSettings): WhatIf {
  const { usersPerServer, provisioningDelay, minServers, maxServers } = settings
  const begin = recorded.times[0]!
  const curve = new LoadCurve({
    times: Float64Array.from(recorded.times),
    values: Float64Array.from(recorded.load),
  })
  const interval = Math.max(settings.interval, curve.duration / MOST_DECISIONS)
  const [times, values]: [number[], number[]] = [[], []]
  let changes = 0
  const result = runFluid({
    curve,
    usersPerServer,
    provisioningDelay,
    initialServers: recorded.size[0]!,
    scaler: new AutoScaler({ policy: createPolicy(policy), interval, minServers, maxServers }),
    onDecision: ({ action }) => {
      if (action !== 'none') changes++
    },
    onStep: (time, ready) => {
      if (values.at(-1) === ready) return
      times.push(begin + time)
      values.push(ready)
    },
  })
  return {
    seconds: curve.duration,
    actual: figuresOf(recorded, curve, usersPerServer),
    replayed: {
      serverHours: result.serverHours,
      overload: result.overload,
      changes,
      peakServers: result.peakServers,
    },
    series: { times, values },
  }
}
