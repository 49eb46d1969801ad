import type { ScaledTick } from '../pipeline/items.ts'
import { canRedraw } from './view.ts'

/** Shows how far a run of `duration` seconds is, on a terminal; says nothing in a pipe. */
export function showProgress(duration: number): { onTick?: (tick: ScaledTick) => void; end: () => void } {
  const { stderr } = process
  if (!canRedraw(stderr)) return { end: () => {} }
  let next = performance.now() + 200
  return {
    onTick({ time, messages }) {
      const now = performance.now()
      if (now < next) return
      next = now + 100
      const percent = Math.floor((100 * time) / duration)
      stderr.write(`\r\x1b[K${percent} %  ${(messages / 1e6).toFixed(1)} M messages`)
    },
    end: () => void stderr.write('\r\x1b[K'),
  }
}
