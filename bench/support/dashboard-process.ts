/**
 * A simulated fleet of `dashboard-process.ts <servers>` servers behind the real control plane, with a full day of history;
 * prints its address. Servers report what live ones measure, so that the state has as many bytes as theirs.
 */
import type { ControlTarget, ServerSnapshot } from '../../src/control/control-target.ts'
import type { FleetControl } from '../../src/control/fleet-control.ts'
import { StateHistory } from '../../src/control/state-history.ts'
import { startControlPlane } from '../../src/live/control-plane.ts'
import { createPolicy } from '../../src/scaling/policies.ts'
import { runSimulation } from '../../src/simulation/run.ts'
import { diurnal } from '../../src/traffic/patterns/diurnal.ts'

const DAY = 86_400
const servers = Number(process.argv[2] ?? 100)
const stop = new AbortController()

/** Figures as live servers measure them; each changes with every look. */
function measured(server: ServerSnapshot, time: number): ServerSnapshot {
  const wave = 0.5 + 0.4 * Math.sin(time * 1.7 + server.id)
  return {
    ...server,
    cpu: wave * 0.8,
    memoryBytes: 60e6 + Math.round(wave * 5e6),
    eventLoopUtilization: wave,
    latencyP99Ms: 20 + 100 * wave,
  }
}

/** The fleet, a day later, with measurements. */
function dayLater(control: FleetControl): ControlTarget {
  return new Proxy<ControlTarget>(control, {
    get(target, name: keyof ControlTarget) {
      if (name !== 'snapshot') return target[name].bind(target)
      return () => {
        const snapshot = target.snapshot()
        const { time, forecast } = snapshot
        return {
          ...snapshot,
          time: DAY + time,
          ...(forecast && { forecast: { ...forecast, time: DAY + forecast.time } }),
          servers: snapshot.servers.map((server) => measured(server, time)),
        }
      }
    },
  })
}

/** The day before this process began. */
function pastDay(target: ControlTarget): StateHistory {
  const day = new StateHistory()
  const now = target.snapshot()
  for (let time = 0; time < DAY; time++) {
    const load = Math.round(1500 + 1000 * Math.sin(time / 8000) + 20 * Math.sin(time * 3))
    const latency = { p50Ms: 40 + 9 * Math.sin(time), p95Ms: 90 + 30 * Math.sin(time), p99Ms: 150 }
    const forecast = {
      time: time + 90,
      expected: load + 30,
      low: load - 90,
      high: load + 120,
      confidence: 0.95,
    }
    day.add({ ...now, time, load, requestedLoad: load, ready: Math.ceil(load / 30), latency, forecast })
  }
  return day
}

process.on('SIGTERM', () => stop.abort())
process.on('disconnect', () => process.exit(1))
await runSimulation({
  pattern: diurnal({ mean: 2000, amplitude: 500, period: 120, duration: 3600 }),
  autoScaler: {
    policy: createPolicy({ kind: 'predictive', usersPerServer: 30 }),
    minServers: servers,
    maxServers: servers,
  },
  pace: 1,
  signal: stop.signal,
  onControl: (control) => {
    const target = dayLater(control)
    void startControlPlane(target, { port: 0, day: pastDay(target) }).then(({ url, close }) => {
      stop.signal.addEventListener('abort', close)
      process.send!({ url })
    })
  },
})
process.exit(0)
