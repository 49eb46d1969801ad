import { pause } from '../base/pause.ts'
import type { DrainHooks, ServerRef } from '../fleet/provider.ts'
import type { Bus } from './broker.ts'
import { commandTopic, type ServerCommand } from './messages.ts'
import type { ProviderContext } from './term.ts'

const CHECK_MS = 250
/** Checks beyond the time that its users have to move, after which a server is removed with those who are left. */
const MORE_CHECKS = 120
const RESTORE_CHECKS = 40

/**
 * How the servers of a platform are emptied before the platform ends them: by commands on the bus, which are repeated until the
 * server's status shows that it obeys. A server that does not report has no users to move.
 */
export function drainHooks({ servers, drainSeconds }: ProviderContext, bus: Bus): DrainHooks {
  const send = (ref: ServerRef, command: ServerCommand) =>
    bus.publish(commandTopic(ref), JSON.stringify(command))
  const restore = async (ref: ServerRef) => {
    for (let checks = 0; checks < RESTORE_CHECKS; checks++) {
      if (servers.status(ref)?.state !== 'draining') return
      send(ref, { type: 'serve' })
      await pause(CHECK_MS, AbortSignal.timeout(CHECK_MS * 2))
    }
  }
  return {
    async empty(ref, signal) {
      const seconds = drainSeconds(ref)
      const limit = (seconds * 1000) / CHECK_MS + MORE_CHECKS
      for (let checks = 0; checks < limit && !signal.aborted; ) {
        const status = servers.status(ref)
        if (!status) return
        if (status.state === 'ready') send(ref, { type: 'empty', seconds })
        else if (status.report.connections === 0) return
        if (bus.connected) checks++
        await pause(CHECK_MS, signal)
      }
    },
    restore: (ref) => void restore(ref),
  }
}
