import { expect, it, vi } from 'vitest'
import { openBrokerLog } from './open-broker.ts'

const close = vi.fn(async () => {})
vi.mock('./redis-broker.ts', () => ({
  openRedisBroker: async () => ({
    openLog: async () => {
      throw new Error('no room log here')
    },
    close,
  }),
}))

it('closes the connection when the broker has no room log to open', async () => {
  await expect(openBrokerLog({ url: 'redis://127.0.0.1:6379' }, 'a test')).rejects.toThrow('no room log here')
  expect(close).toHaveBeenCalledOnce()
})
