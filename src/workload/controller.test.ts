import { expect, it } from 'vitest'
import { wallClock } from '../base/clock.ts'
import { simulatedProvider } from '../fleet/providers/simulated.ts'
import { AutoScaler } from '../scaling/auto-scaler.ts'
import { WorkloadController } from './controller.ts'

it('has the clock of the world, and counts no server that was killed by hand as failed', async () => {
  const controller = new WorkloadController({
    source: { description: 'five users', read: async () => ({ load: 5, ageSeconds: 0 }) },
    provider: simulatedProvider(wallClock(), { startupDelay: 0 }),
    autoScaler: new AutoScaler({ minServers: 2, maxServers: 3, interval: 0.1 }),
  })
  const before = Date.now()
  await controller.start()
  try {
    const { control } = controller
    await expect.poll(() => control.snapshot().ready).toBe(2)
    const { startMs = 0, time } = control.snapshot()
    expect(startMs + time * 1000).toBeGreaterThanOrEqual(before - 1000)
    expect(startMs + time * 1000).toBeLessThanOrEqual(Date.now() + 1000)
    const { id } = control.snapshot().servers[0]!
    control.kill(id)
    const kinds = () => control.events(0).map(({ kind, text }) => `${kind}: ${text}`)
    await expect.poll(kinds).toContain(`hand: server ${id} is gone: killed by hand`)
    expect(controller.failures).toBe(0)
  } finally {
    await controller.close()
  }
})
