import { describe, expect, it } from 'vitest'
import { STRATEGY_NAMES } from '../balancing/strategy-names.ts'
import { constant as constantTime, exponential, lognormal } from '../base/distribution.ts'
import type { LoadPattern } from '../traffic/load-pattern.ts'
import { threePhase } from '../traffic/patterns/three-phase.ts'
import type { SimulationOptions } from './options.ts'
import { runSimulation } from './run.ts'

const flat = (users: number, duration: number): LoadPattern => ({
  users: () => users,
  duration,
  description: `${users} users`,
})

/** Erlang's C formula: the probability that an arrival waits, by the recursion over Erlang B. */
function erlangC(servers: number, offered: number): number {
  let b = 1
  for (let k = 1; k <= servers; k++) b = (offered * b) / (k + offered * b)
  const rho = offered / servers
  return b / (1 - rho + rho * b)
}

/** One server with c slots, Poisson arrivals (1000 users who think 10 s: 100 messages/s). */
function mmc(slots: number, rho: number, seed: number, duration: number): SimulationOptions {
  const rate = 100
  return {
    pattern: flat(1000, duration),
    seed,
    traffic: { thinkTime: exponential(1000 / rate), session: exponential(1e9) },
    autoScaler: { minServers: 1, maxServers: 1, interval: duration / 10 },
    server: { concurrency: slots, queueLimit: 100_000, serviceTime: exponential((slots * rho) / rate) },
  }
}

describe('against queueing theory', () => {
  // Wq = C(c, a) / (cμ − λ), utilization = a / c (Kleinrock, Queueing Systems I, §3.5).
  it.each([
    [1, 0.5],
    [1, 0.8],
    [2, 0.7],
    [4, 0.6],
    [4, 0.85],
    [16, 0.9],
  ])(
    'M/M/%i at load %f: waiting time and utilization are within a hundredth of Erlang C',
    async (slots, rho) => {
      const mean = (slots * rho) / 100
      const expected = erlangC(slots, slots * rho) / (slots / mean - 100)
      const seeds = [1, 2, 3, 4]
      const runs = await Promise.all(seeds.map((seed) => runSimulation(mmc(slots, rho, seed, 40_000))))
      const wait = runs.reduce((sum, run) => sum + run.latency.meanWaitMs / 1000, 0) / runs.length
      const busy = runs.reduce((sum, run) => sum + run.utilization, 0) / runs.length
      expect(Math.abs(wait / expected - 1)).toBeLessThan(0.01)
      expect(Math.abs(busy / rho - 1)).toBeLessThan(0.01)
    },
    120_000,
  )

  it('poisson arrivals follow the pattern in the mean, with the variance of a Poisson number', async () => {
    const result = await runSimulation({
      pattern: flat(200, 60_000),
      traffic: { arrivals: 'poisson', session: exponential(30), thinkTime: exponential(1000) },
      autoScaler: { interval: 15 },
    })
    const loads = result.samples.map((sample) => sample.load)
    const mean = loads.reduce((a, b) => a + b) / loads.length
    const variance = loads.reduce((sum, x) => sum + (x - mean) ** 2, 0) / loads.length
    expect(Math.abs(mean / 200 - 1)).toBeLessThan(0.02)
    expect(Math.abs(variance / 200 - 1)).toBeLessThan(0.15)
  })
})

const demo = (more: Partial<SimulationOptions> = {}): SimulationOptions => ({
  pattern: threePhase({ duration: 30, baseRate: 5, peakRate: 50 }),
  autoScaler: { scaleUpThreshold: 15 },
  ...more,
})

describe('runSimulation', () => {
  it('goes 2 → 3 → 4 → 3 → 2 on the demo', async () => {
    const { scalingEvents, peakServers, peakLoad } = await runSimulation(demo())
    expect(scalingEvents.map(({ action, to, load }) => `${action} ${to} ${load}`)).toEqual([
      'scale_up 3 35',
      'scale_up 4 50',
      'scale_down 3 35',
      'scale_down 2 10',
    ])
    expect(peakServers).toBe(4)
    expect(peakLoad).toBe(50)
  })

  it('says why nothing was scaled', async () => {
    const result = await runSimulation(demo({ autoScaler: {} }))
    expect(result.scalingEvents).toEqual([])
    expect(result.nothingScaledBecause).toContain('50 users on 2 servers are 25.0 a server, within 10 and 30')
    expect(result.nothingScaledBecause).toContain('but min kept it at 2 servers')
  })

  it('gives the same bytes for the same seed, and others for another', async () => {
    const once = JSON.stringify(await runSimulation(demo({ seed: 'a' })))
    expect(JSON.stringify(await runSimulation(demo({ seed: 'a' })))).toBe(once)
    expect(JSON.stringify(await runSimulation(demo({ seed: 'b' })))).not.toBe(once)
  })

  it.each(
    STRATEGY_NAMES.flatMap((strategy) => [[strategy, 'sticky'] as const, [strategy, 'message'] as const]),
  )('processes every message with %s and %s routing while servers come and go', async (strategy, routing) => {
    const result = await runSimulation(demo({ balancer: { strategy, routing } }))
    expect(result.rejectedMessages).toBe(0)
    expect(result.totalMessages).toBe(result.samples.at(-1)!.messages)
    expect(result.totalMessages).toBeGreaterThan(100)
  })

  it('rejects what a full queue cannot take, and counts all the rest', async () => {
    const result = await runSimulation({
      pattern: flat(100, 60),
      traffic: { thinkTime: exponential(1) },
      autoScaler: { minServers: 1, maxServers: 1 },
      server: { concurrency: 1, queueLimit: 5, serviceTime: constantTime(0.1) },
    })
    expect(result.rejectedMessages).toBeGreaterThan(5000)
    expect(result.totalMessages).toBe(result.samples.at(-1)!.messages)
    expect(result.processedMessages + result.rejectedMessages).toBe(result.totalMessages)
    expect(result.latency.maxMs).toBeLessThanOrEqual(600.001)
    expect(result.utilization).toBeGreaterThan(0.98)
  })

  it('gives a server twice as large twice as much with the weighted strategy', async () => {
    const run = (strategy: 'weighted' | 'round-robin') =>
      runSimulation({
        pattern: flat(500, 600),
        autoScaler: { minServers: 2, maxServers: 2 },
        balancer: { strategy, routing: 'message' },
        server: { weights: [3, 1], concurrency: 2, serviceTime: exponential(0.064) },
      })
    // 100 messages/s on 8 slots are 80 % of them; half of that on the 2 slots of the small server are 160 %.
    const [fair, even] = [await run('weighted'), await run('round-robin')]
    expect(fair.utilization).toBeCloseTo(0.8, 1)
    expect(fair.latency.p99Ms).toBeLessThan(1000)
    expect(even.latency.p99Ms).toBeGreaterThan(10_000)
  })

  it('starts what is launched during the run only after its delay, also at time 0', async () => {
    const { samples } = await runSimulation({
      pattern: flat(100, 10),
      autoScaler: { minServers: 1, cooldown: 100 },
      server: { startupDelay: 4 },
    })
    expect(samples.map((sample) => sample.readyServers)).toEqual([1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2])
  })

  it('pays for a server that drains until its users are gone, and moves those that are left', async () => {
    const run = (drainWindow: number, session: number) =>
      runSimulation({
        pattern: { users: (time) => (time < 100 ? 90 : 45), duration: 900, description: 'step' },
        traffic: { session: exponential(session), thinkTime: exponential(20) },
        autoScaler: { scaleUpThreshold: 30, scaleDownThreshold: 20, minServers: 1, maxServers: 3 },
        server: { startupDelay: 1, drainWindow },
      })
    const [atOnce, kept, short] = [await run(0, 1e9), await run(300, 1e9), await run(1e6, 20)]
    const more = (kept.serverHours - atOnce.serverHours) * 3600
    expect(atOnce.scalingEvents.filter(({ action }) => action === 'scale_down')).toHaveLength(1)
    expect(more).toBeGreaterThan(290)
    expect(more).toBeLessThan(310)
    // Fifteen sessions of 20 s on average are over after some 66 s.
    const shorter = (short.serverHours - atOnce.serverHours) * 3600
    expect(shorter).toBeGreaterThan(10)
    expect(shorter).toBeLessThan(250)
    for (const result of [kept, short])
      expect(result.processedMessages + result.rejectedMessages).toBe(result.totalMessages)
  })

  it('counts server-hours over start-up, service and drain', async () => {
    const result = await runSimulation({ pattern: flat(10, 3600), autoScaler: { minServers: 3 } })
    expect(result.serverHours).toBeCloseTo(3, 6)
    expect(result.averageServers).toBeCloseTo(3, 6)
  })

  it('shows requested beside achieved load when users cannot leave as fast as the pattern falls', async () => {
    const result = await runSimulation({
      pattern: { users: (t) => (t < 50 ? 100 : 0), duration: 100, description: 'cliff' },
      traffic: { arrivals: 'poisson', session: exponential(1000) },
    })
    expect(result.requestedAverageLoad).toBeCloseTo(50, 0)
    expect(result.averageLoad).toBeGreaterThan(80)
  })

  it('takes think times and sessions of any distribution', async () => {
    const result = await runSimulation(
      demo({ traffic: { thinkTime: lognormal(5, 1), session: lognormal(10, 2) } }),
    )
    expect(result.peakLoad).toBe(50)
    expect(result.totalMessages).toBeGreaterThan(100)
  })

  it('moves users to a new server', async () => {
    const result = await runSimulation({
      pattern: flat(1000, 120),
      traffic: { session: exponential(1e6), thinkTime: exponential(1) },
      autoScaler: { scaleUpThreshold: 300, scaleDownThreshold: 1, minServers: 1 },
      server: { concurrency: 8, serviceTime: exponential(0.02) },
    })
    // Two servers have 500 users each, four 250: without moves the first would stay overloaded at load 1.25.
    expect(result.peakServers).toBe(4)
    expect(result.latency.p50Ms).toBeLessThan(100)
  })
})
