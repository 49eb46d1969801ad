import type { Cancel, Clock } from '../../base/clock.ts'
import { atLeastZero, type OptionsOf, option, optionSet } from '../../base/options.ts'
import type { ProviderFactory, ServerRef } from '../provider.ts'

export const simulatedProviderOptions = optionSet({
  startupDelay: option(atLeastZero, 'seconds from launch to ready', 1),
})

export type SimulatedProviderOptions = OptionsOf<typeof simulatedProviderOptions.shape>

/** Servers that exist only in virtual time. */
export function simulatedProvider(clock: Clock, options: SimulatedProviderOptions = {}): ProviderFactory {
  const { startupDelay } = simulatedProviderOptions.parse(options)
  return (lifecycle) => {
    const running = new Set<ServerRef>()
    const pending = new Map<ServerRef, Cancel>()
    let launched = 0
    const later = (ref: ServerRef, time: number, run: () => void) => {
      pending.get(ref)?.()
      pending.set(
        ref,
        clock.at(time, () => {
          pending.delete(ref)
          run()
        }),
      )
    }
    return {
      name: 'simulated',
      launch(count, { initial = false } = {}) {
        for (let i = 0; i < count; i++) {
          const ref = `simulated-${++launched}`
          running.add(ref)
          lifecycle.starting(ref)
          if (initial) lifecycle.ready(ref)
          else later(ref, clock.now() + startupDelay, () => lifecycle.ready(ref))
        }
      },
      cancel() {}, // a launch has its server at once
      drain(ref) {
        if (!running.has(ref)) return
        later(ref, Math.max(clock.now(), lifecycle.busyUntil(ref)), () => {
          running.delete(ref)
          lifecycle.stopped(ref)
        })
      },
      kill(ref) {
        pending.get(ref)?.()
        pending.delete(ref)
        if (running.delete(ref)) lifecycle.failed(ref, 'killed')
      },
      async close() {
        for (const cancel of pending.values()) cancel()
        pending.clear()
        running.clear()
      },
    }
  }
}
