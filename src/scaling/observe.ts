import type { Fleet } from '../fleet/fleet.ts'
import type { ServerId } from '../fleet/provider.ts'
import type { Server } from '../fleet/server.ts'
import type { Tick } from '../pipeline/items.ts'
import type { Observation, ServerObservation } from './types.ts'

interface Remembered {
  readonly time: number
  readonly messages: number
  readonly busySeconds: number
}

/** Each server's totals at the last observation, from which rates are taken. */
export type WorkMemory = Map<ServerId, Remembered>

function observeServer(server: Server, time: number, memory: WorkMemory): ServerObservation {
  const { id, users, launchedAt, readyAt, work } = server
  const state = server.state as ServerObservation['state']
  if (!work) return { id, state, users, launchedAt, readyAt }
  const { messages, busySeconds, concurrency, queued } = work.totals(time)
  const last = memory.get(id) ?? { time: readyAt ?? time, messages: 0, busySeconds: 0 }
  memory.set(id, { time, messages, busySeconds })
  const elapsed = time - last.time
  if (elapsed <= 0) return { id, state, users, launchedAt, readyAt, queued, ...work.measured?.() }
  return {
    ...work.measured?.(),
    id,
    state,
    users,
    launchedAt,
    readyAt,
    queued,
    messagesPerSecond: (messages - last.messages) / elapsed,
    utilization: (busySeconds - last.busySeconds) / elapsed / concurrency,
  }
}

/** What `fleet` looks like at a tick. */
export function observe(fleet: Fleet, tick: Tick, memory: WorkMemory): Observation {
  const { time, load, wallTime, incomplete } = tick
  const servers = fleet.servers.map((server) => observeServer(server, time, memory))
  if (memory.size > servers.length) {
    const alive = new Set(servers.map((server) => server.id))
    for (const id of memory.keys()) if (!alive.has(id)) memory.delete(id)
  }
  return {
    time,
    load,
    desiredCount: fleet.desiredCount,
    servers,
    age: 0,
    ...(wallTime !== undefined && { wallTime }),
    ...(incomplete !== undefined && { incomplete }),
  }
}
