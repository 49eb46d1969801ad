/** What a "What if?" of the dashboard takes for a whole day, for each kind of policy: `npm run bench:what-if`. */
import { type RecordedFleet, whatIf } from '../src/backtest/what-if.ts'
import { POLICY_KINDS, type PolicySpec } from '../src/scaling/policies.ts'
import { jitter } from '../src/traffic/combinators.ts'
import { diurnal } from '../src/traffic/patterns/diurnal.ts'

const DAY = 86_400
/** Rows of a day that the control API gives out at most. */
const ROWS = 5000
const USERS_PER_SERVER = 60

const load = jitter(diurnal({ mean: 1200, amplitude: 800, duration: DAY }), {
  amount: 0.1,
  every: 20,
  seed: 1,
})
const times = Array.from({ length: ROWS }, (_, i) => (i * DAY) / ROWS)
const users = times.map((time) => load.users(time))
const size = users.map((count) => Math.ceil(count / USERS_PER_SERVER) + 2)
const recorded: RecordedFleet = { times, load: users, size, ready: size }

/** Options of the kinds that need some. */
const OPTIONS: Readonly<Record<string, object>> = {
  schedule: { entries: [{ cron: '0 8 * * *', servers: 30 }] },
  max: {
    policies: [
      { kind: 'predictive', usersPerServer: USERS_PER_SERVER },
      { kind: 'hpa', target: 48 },
    ],
  },
  chain: {
    policies: [
      { kind: 'predictive', usersPerServer: USERS_PER_SERVER },
      { kind: 'hpa', target: 48 },
    ],
  },
}
const settings = {
  usersPerServer: USERS_PER_SERVER,
  provisioningDelay: 60,
  interval: 1,
  minServers: 2,
  maxServers: 100,
}
for (const kind of POLICY_KINDS) {
  const policy = { kind, ...OPTIONS[kind] } as PolicySpec
  const began = performance.now()
  const { replayed, series } = whatIf(recorded, policy, settings)
  const took = performance.now() - began
  console.log(
    `${kind.padEnd(18)} ${took.toFixed(0).padStart(5)} ms  ${replayed.changes} changes, ${series.times.length} points`,
  )
}
