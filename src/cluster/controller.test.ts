import { expect, it } from 'vitest'
import { silentLogger } from '../base/logger.ts'
import type { Provider } from '../fleet/provider.ts'
import { AutoScaler } from '../scaling/auto-scaler.ts'
import type { Broker, Versioned } from './broker.ts'
import { ClusterController } from './controller.ts'

/** A broker for one process. */
function broker(): Broker {
  const values = new Map<string, Versioned>()
  return {
    bus: { connected: true, publish() {}, subscribe: () => () => {} },
    store: {
      get: async (key) => values.get(key),
      async put(key, text, version) {
        if ((values.get(key)?.version ?? 0) !== version) return undefined
        values.set(key, { text, version: version + 1 })
        return version + 1
      },
    },
    openLog: () => Promise.reject(new Error('not used')),
    close: async () => {},
  }
}

const provider: Provider = {
  name: 'none',
  launch() {},
  cancel() {},
  drain() {},
  kill() {},
  close: async () => {},
}

it('keeps running while its provider cannot be made, and leads once it can', async () => {
  const errors: string[] = []
  let missing = true
  const controller = new ClusterController({
    broker: broker(),
    autoScaler: () => new AutoScaler(),
    provider() {
      if (missing) throw new Error('the file of the credentials is gone')
      return () => provider
    },
    port: 0,
    logger: { ...silentLogger, error: (message) => errors.push(message) },
  })
  await controller.start()
  try {
    await expect.poll(() => errors[0], { timeout: 30_000 }).toContain('the file of the credentials is gone')
    expect(controller.leads).toBe(false)
    missing = false
    await expect.poll(() => controller.leads, { timeout: 30_000 }).toBe(true)
  } finally {
    await controller.close()
  }
})
