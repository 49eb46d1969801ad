/**
 * A policy of your own, compared like the others: beside `slo` and the cheapest fleet that had known the future. Run it with
 * `npx tsx examples/own-policy.ts`; a trace of your own (t_seconds,value) may be named after it.
 */
import {
  AutoScaler,
  diurnal,
  LoadCurve,
  lowerBound,
  type Policy,
  readTrace,
  runFluid,
  sloPolicy,
} from '../src/index.ts'

/** Room for the highest load of the last quarter of an hour, and a tenth more. */
function peakHold({ usersPerServer = 30, seconds = 900, room = 1.1 } = {}): Policy {
  let seen: { time: number; load: number }[] = []
  return {
    name: 'peak-hold',
    limits: { cooldown: 0 },
    evaluate({ time, load, desiredCount }) {
      if (load === undefined)
        return { servers: desiredCount, reason: 'the load is unknown', insufficientData: true }
      seen = [...seen.filter((each) => each.time > time - seconds), { time, load }]
      const highest = Math.max(...seen.map((each) => each.load))
      return {
        servers: Math.ceil((highest * room) / usersPerServer),
        reason: `${highest.toFixed(0)} users at most in the last ${seconds} s, and ${room} times that is room for all`,
        numbers: { highest },
      }
    },
  }
}

const day = diurnal({ mean: 600, amplitude: 400, duration: 7 * 86_400 })
const minutes = Float64Array.from({ length: 7 * 1440 + 1 }, (_, i) => i * 60)
const file = process.argv[2]
const curve = new LoadCurve(file ? readTrace(file) : { times: minutes, values: minutes.map(day.users) })

const world = { curve, usersPerServer: 30, provisioningDelay: 90 }
const settings = { minServers: 1, maxServers: 100, interval: 30 }
const floor = lowerBound({ ...world, ...settings, overload: 0.001 })
for (const policy of [peakHold(), sloPolicy({ overload: 0.001, usersPerServer: 30 })]) {
  const { overload, serverHours } = runFluid({ ...world, scaler: new AutoScaler({ ...settings, policy }) })
  const cost = serverHours / floor.attainable.serverHours
  console.log(
    `${policy.name.padEnd(10)} ${(overload * 100).toFixed(3)} % above capacity, ${cost.toFixed(2)} × the floor`,
  )
}
