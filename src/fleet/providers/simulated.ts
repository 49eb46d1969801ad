import type { Cancel, Clock } from '../../base/clock.ts'
import { requireNumber } from '../../base/errors.ts'
import type { ProviderFactory, ServerId } from '../provider.ts'

export interface SimulatedProviderOptions {
  /** From launch to ready, seconds; 1. */
  startupDelay?: number
}

/** Servers that exist only in virtual time. */
export function simulatedProvider(clock: Clock, options: SimulatedProviderOptions = {}): ProviderFactory {
  const startupDelay = requireNumber('startupDelay', options.startupDelay ?? 1, { min: 0 })
  return (lifecycle) => {
    const pending = new Map<ServerId, Cancel>()
    const later = (id: ServerId, time: number, run: () => void) => {
      pending.get(id)?.()
      pending.set(
        id,
        clock.at(time, () => {
          pending.delete(id)
          run()
        }),
      )
    }
    return {
      name: 'simulated',
      launch(id, standing) {
        if (standing) lifecycle.ready(id)
        else later(id, clock.now() + startupDelay, () => lifecycle.ready(id))
      },
      drain(id) {
        later(id, Math.max(clock.now(), lifecycle.busyUntil(id)), () => lifecycle.stopped(id))
      },
      kill(id) {
        pending.get(id)?.()
        pending.delete(id)
        lifecycle.failed(id, 'killed')
      },
      async close() {
        for (const cancel of pending.values()) cancel()
        pending.clear()
      },
    }
  }
}
