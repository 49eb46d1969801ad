import { ConcertinaError } from '../base/errors.ts'
import type { Fleet } from '../fleet/fleet.ts'
import type { Server } from '../fleet/server.ts'

/** Failures at the start after which it is given up. */
const MAX_FAILED_STARTS = 3

/**
 * Resolves when every server of the fleet is ready.
 * @param failures servers that have failed so far
 * @throws {ConcertinaError} SERVERS_FAIL when too many have.
 */
export function allReady(fleet: Fleet, failures: () => number): Promise<void> {
  let unsubscribe = () => {}
  return new Promise<void>((resolve, reject) => {
    const look = (server?: Server) => {
      if (fleet.servers.every(({ state }) => state === 'ready')) resolve()
      else if (failures() > MAX_FAILED_STARTS) {
        const reason = server?.life.state === 'failed' ? server.life.reason : 'no reason is known'
        reject(
          new ConcertinaError('SERVERS_FAIL', `servers failed to start: ${reason}`, {
            hint: 'see what the servers printed above',
          }),
        )
      }
    }
    unsubscribe = fleet.onChange(look)
    look()
  }).finally(() => unsubscribe())
}
