import { describe, expect, it } from 'vitest'
import { exponential } from '../base/distribution.ts'
import { AutoScaler } from '../scaling/auto-scaler.ts'
import { hpaPolicy } from '../scaling/policies/hpa/hpa.ts'
import { runSimulation } from '../simulation/run.ts'
import { tracePattern } from '../traffic/traces/trace.ts'
import { runFluid } from './fluid.ts'
import { LoadCurve } from './load-curve.ts'
import { DEFAULT_MESSAGES, MessageMeter } from './message-latency.ts'

const USERS_PER_SERVER = 30

/** The same load, fleet and policy as a fluid and with every message. */
async function both(times: number[], values: number[], target: number) {
  const trace = { file: 'made up', times: Float64Array.from(times), values: Float64Array.from(values) }
  const scaler = () =>
    new AutoScaler({ policy: hpaPolicy({ target }), interval: 10, minServers: 2, maxServers: 40 })
  const fluid = runFluid({
    curve: new LoadCurve(trace),
    usersPerServer: USERS_PER_SERVER,
    provisioningDelay: 40,
    scaler: scaler(),
    messages: DEFAULT_MESSAGES,
  })
  const { concurrency, serviceTime, fullUtilization } = DEFAULT_MESSAGES
  const think = (USERS_PER_SERVER * serviceTime) / (concurrency * fullUtilization)
  const real = await runSimulation({
    pattern: tracePattern(trace),
    traffic: { thinkTime: exponential(think) },
    autoScaler: scaler(),
    server: { startupDelay: 40 },
    balancer: { strategy: 'least-loaded' },
  })
  expect(fluid.scalingEvents).toBe(real.scalingEvents.length)
  return { fluid, real }
}

const off = (one: number, other: number) => Math.abs(one / other - 1)

describe('latency of a fluid', () => {
  it('is that of the simulator within a twentieth, while servers keep up', async () => {
    const times = Array.from({ length: 121 }, (_, i) => i * 30)
    const waves = times.map((time) => 330 - 280 * Math.cos((2 * Math.PI * time) / 3600))
    for (const target of [24, 30]) {
      const { fluid, real } = await both(times, waves, target)
      for (const figure of ['meanMs', 'p50Ms', 'p95Ms', 'p99Ms'] as const) {
        expect(off(fluid.latency![figure], real.latency[figure]), `${figure} at ${target}`).toBeLessThan(0.1)
      }
      expect(off(fluid.latency!.p50Ms, real.latency.p50Ms)).toBeLessThan(0.05)
      expect(off(fluid.latency!.p95Ms, real.latency.p95Ms)).toBeLessThan(0.05)
      expect([fluid.latency!.rejected, real.rejectedMessages]).toEqual([0, 0])
    }
  })

  it('rejects as the simulator does when a crowd comes, and makes the others wait as long', async () => {
    const { fluid, real } = await both([0, 600, 610, 1800, 1810, 3600], [60, 60, 300, 300, 60, 60], 24)
    const all = real.totalMessages
    expect(off(fluid.latency!.rejected, real.rejectedMessages / all)).toBeLessThan(0.1)
    expect(off(fluid.latency!.meanMs, real.latency.meanMs)).toBeLessThan(0.2)
    expect(off(fluid.latency!.p50Ms, real.latency.p50Ms)).toBeLessThan(0.05)
  })

  it('is the service time alone where hardly anybody sends, and that of M/M/1 with one slot', () => {
    const meter = (settings: Partial<typeof DEFAULT_MESSAGES>) =>
      new MessageMeter({ ...DEFAULT_MESSAGES, ...settings })
    const idle = meter({})
    idle.add(0.001, 10, 3600)
    expect(off(idle.result().meanMs, 50)).toBeLessThan(0.001)
    expect(off(idle.result().p95Ms, 50 * Math.log(20))).toBeLessThan(0.001)
    const single = meter({ concurrency: 1, fullUtilization: 0.5 })
    single.add(1, 1, 3600)
    // M/M/1: the time spent is exponential with the rate μ − λ.
    expect(off(single.result().meanMs, 100)).toBeLessThan(0.01)
    expect(off(single.result().p99Ms, 100 * Math.log(100))).toBeLessThan(0.01)
  })

  it('counts a backlog by hand', () => {
    // A server does 80 messages/s and is sent 160: 80 a second are left over, 1000 may wait, so 12.5 s until it is full.
    const meter = new MessageMeter({ ...DEFAULT_MESSAGES, fullUtilization: 1 })
    meter.add(2, 1, 25)
    const { rejected, p99Ms, meanMs } = meter.result()
    expect(rejected).toBeCloseTo((80 * 12.5) / (160 * 25), 6)
    // The 2000 who came while it filled waited 6.25 s in the mean, the 1000 after them 12.5 s.
    expect(off(meanMs, ((2000 * 6.25 + 1000 * 12.5) / 3000) * 1000)).toBeLessThan(0.02)
    expect(off(p99Ms, 12_500)).toBeLessThan(0.03)
  })

  it('is 0 where no message was sent', () => {
    expect(new MessageMeter(DEFAULT_MESSAGES).result()).toEqual({
      meanMs: 0,
      p50Ms: 0,
      p95Ms: 0,
      p99Ms: 0,
      rejected: 0,
    })
  })
})
