import type { Signal } from '../base/signal.ts'
import type { Fleet } from '../fleet/fleet.ts'
import type { ScaledTick } from '../pipeline/items.ts'
import type { OpenSpan, Tracer } from '../telemetry/tracer.ts'

/** Traces each decision that changes the fleet, and in its trace each server until it is ready. */
export function traceScaling(ticks: Signal<ScaledTick>, fleet: Fleet, tracer: Tracer): void {
  let growth: OpenSpan | undefined
  ticks.subscribe(({ decision }) => {
    if (decision.action === 'none') return
    const { action, from, to, desired, load, policy, reason, limitedBy } = decision
    const span = tracer.beginRare()
    if (action === 'scale_up') growth = span
    const attributes = { from, to, desired, load, policy, reason, limitedBy }
    const named = Object.entries(attributes).map(([key, value]) => [`concertina.${key}`, value])
    span.end(`scaling ${action}`, {
      began: performance.now(),
      attributes: Object.fromEntries(named),
    })
  })
  fleet.onChange(({ id, life, launchedAt }) => {
    if (life.state !== 'ready' || life.readyAt <= launchedAt) return
    const span = growth ? tracer.child(growth) : tracer.beginRare()
    span.end('server start', {
      began: performance.now() - (life.readyAt - launchedAt) * 1000,
      attributes: { 'concertina.server': String(id) },
    })
  })
}
