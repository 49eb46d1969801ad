import { invalidInput } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import { VERSION } from '../base/version.ts'
import { ControlApi } from '../control/control-api.ts'
import type { ControlTarget } from '../control/control-target.ts'
import type { Fleets } from '../control/fleets.ts'
import type { StateHistory } from '../control/state-history.ts'
import { hostAndPort, listen } from '../http/listen.ts'
import { isLoopbackName } from '../http/origin.ts'
import { controlPages, controlServer, type ServedFleet, servedFleet } from './control-http.ts'
import type { Supervisor } from './supervisor.ts'

export interface ControlPlaneOptions {
  /** Default loopback. */
  host?: string | undefined
  port: number
  /** Needed off loopback. */
  token?: string | undefined
  /** This fleet's name and the others; default this one alone. */
  fleets?: Fleets | undefined
  /** The day so far; default empty. */
  day?: StateHistory | undefined
  /** Gets what was changed, and by whom. */
  logger?: Logger | undefined
  /** Metrics and readiness, of what is not a supervisor. */
  served?: ServedFleet | undefined
}

/**
 * Serves dashboard, control API and health of a fleet, and the metrics of a live one.
 * @throws {ConcertinaError} ADDRESS_UNAVAILABLE, or INVALID_INPUT off loopback without a token.
 */
export async function startControlPlane(
  target: ControlTarget,
  { host = '127.0.0.1', port, token, fleets, day, logger, served }: ControlPlaneOptions,
  supervisor?: Supervisor,
): Promise<{ url: string; port: number; close(): void }> {
  if (!isLoopbackName(host) && token === undefined) {
    throw invalidInput(
      'controlHost',
      `a control API on ${host} is open to the network`,
      'a controlToken with it',
    )
  }
  const chat = supervisor && (() => supervisor.rooms.chatApi())
  const api = new ControlApi({ target, chat, token, version: VERSION, fleets, day, logger })
  const page = controlPages()
  const server = controlServer(served ?? (supervisor && servedFleet(supervisor)), api, page)
  const close = () => {
    api.close()
    server.close()
    server.closeAllConnections()
  }
  try {
    const bound = await listen(server, host, port)
    return { url: `http://${hostAndPort(host, bound)}/`, port: bound, close }
  } catch (error) {
    close()
    throw error
  }
}
