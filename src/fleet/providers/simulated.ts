import type { Cancel, Clock } from '../../base/clock.ts'
import { atLeastZero, type OptionsOf, option, optionSet } from '../../base/options.ts'
import { failureWords } from '../failure-words.ts'
import type { ProviderFactory, ServerRef } from '../provider.ts'

export const simulatedProviderOptions = optionSet({
  startupDelay: option(atLeastZero, 'seconds from launch to ready', 1),
  drainWindow: option(
    atLeastZero,
    'seconds for which a simulated server that drains keeps the users it has, unless they leave before; then they move',
    0,
  ),
})

/** Options of the provider `simulated`. */
export type SimulatedProviderOptions = OptionsOf<typeof simulatedProviderOptions.shape>

/** Servers that exist only in virtual time. */
export function simulatedProvider(clock: Clock, options: SimulatedProviderOptions = {}): ProviderFactory {
  const { startupDelay, drainWindow } = simulatedProviderOptions.parse(options)
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
        const moveAt = clock.now() + drainWindow
        const finish = () => {
          const now = clock.now()
          if (now < moveAt && lifecycle.users(ref) > 0) return later(ref, Math.min(moveAt, now + 1), finish)
          later(ref, Math.max(now, lifecycle.busyUntil(ref)), () => {
            running.delete(ref)
            lifecycle.stopped(ref)
          })
        }
        finish()
      },
      kill(ref) {
        pending.get(ref)?.()
        pending.delete(ref)
        if (running.delete(ref)) lifecycle.failed(ref, failureWords.say('killed'))
      },
      async close() {
        for (const cancel of pending.values()) cancel()
        pending.clear()
        running.clear()
      },
    }
  }
}
