import { pause } from '../base/pause.ts'
import { timeoutSignal } from '../base/timeout-signal.ts'
import type { ServerHooks, ServerRef } from '../fleet/provider.ts'
import type { Bus } from './broker.ts'
import { commandTopic, type ServerCommand } from './messages.ts'
import type { ProviderContext } from './term.ts'

const CHECK_MS = 250
/** Checks beyond the time that its users have to move, after which a server is removed with those who are left. */
const EXTRA_CHECKS = 120
/** Checks for which an emptied server is asked to serve again. */
const RESTORE_CHECKS = 40
/** Checks for which a server is expected to report that it serves. */
const SERVES_CHECKS = 40

/** What a platform cannot know of the chat servers on it. */
export interface BusHooks extends ServerHooks {
  /** Waits for a while until a server reports that it serves. Resolves whether it does. */
  readonly serves: NonNullable<ServerHooks['serves']>
}

/**
 * The chat servers of a platform as the bus knows them: whether they serve, and how they are emptied before the platform ends them.
 * Commands are repeated until the status of the server shows their effect. A server that does not report has no users to move.
 */
export function busHooks({ servers, drainSeconds }: ProviderContext, bus: Bus): BusHooks {
  const send = (ref: ServerRef, command: ServerCommand) =>
    bus.publish(commandTopic(ref), JSON.stringify(command))
  const restore = async (ref: ServerRef) => {
    for (let checks = 0; checks < RESTORE_CHECKS; checks++) {
      if (servers.status(ref)?.state !== 'draining') return
      send(ref, { type: 'serve' })
      await pause(CHECK_MS, timeoutSignal(CHECK_MS * 2))
    }
  }
  return {
    async serves(ref, signal) {
      for (let checks = 0; checks < SERVES_CHECKS && !signal.aborted; checks++) {
        const state = servers.status(ref)?.state
        if (state === 'ready') return true
        // A former leader emptied it, and stopped before it was ended.
        if (state === 'draining') send(ref, { type: 'serve' })
        await pause(CHECK_MS, signal)
      }
      return false
    },
    async empty(ref, signal) {
      const seconds = drainSeconds(ref)
      const limit = (seconds * 1000) / CHECK_MS + EXTRA_CHECKS
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
