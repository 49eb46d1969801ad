import { createServer } from 'node:http'
import { notFound } from '../../src/live/control-http.ts'
import { Supervisor } from '../../src/live/supervisor.ts'
import type { SupervisorOptions } from '../../src/live/supervisor-options.ts'
import { AutoScaler } from '../../src/scaling/auto-scaler.ts'

/** A fleet on this machine, not started yet, of as many servers as `desired.servers` says: two at first. */
export function scriptedFleet(options: Partial<SupervisorOptions> = {}) {
  const desired = { servers: 2 }
  const policy = { name: 'scripted', evaluate: () => ({ ...desired, reason: 'scripted' }) }
  const autoScaler = new AutoScaler({ policy, minServers: 1, maxServers: 4, cooldown: 0, interval: 0.1 })
  const supervisor = new Supervisor({ gateway: { port: 0 }, autoScaler, ...options }, createServer(notFound))
  return { supervisor, desired }
}
