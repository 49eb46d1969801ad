import type { Clock } from '../base/clock.ts'
import type { Faults } from '../base/faults.ts'
import type { Logger } from '../base/logger.ts'
import type { Fleet } from '../fleet/fleet.ts'
import type { AutoScaler } from '../scaling/auto-scaler.ts'
import { captureState, type FleetState, resumeFrom, StateFile } from './fleet-state.ts'
import type { LiveServers } from './live-servers.ts'

/** Milliseconds between two writes. */
const WRITE_MS = 5000

interface RestartedFleet {
  readonly fleet: Fleet
  readonly servers: Pick<LiveServers, 'load' | 'expect'>
  readonly autoScaler: AutoScaler
  readonly faults: Faults
  readonly clock: Clock
}

/** What a fleet on this machine needs to continue after a restart, in its data folder. */
export class KeptState {
  readonly #file: StateFile
  readonly #of: RestartedFleet
  #timer: NodeJS.Timeout | undefined
  #last: FleetState | undefined

  constructor(folder: string, of: RestartedFleet, logger: Logger) {
    this.#file = new StateFile(folder, (message) => logger.warn(message))
    this.#of = of
  }

  /** Begins with the servers that the last run had; their users are expected to reconnect. */
  restore(): void {
    this.#last = this.#file.read()
    if (!this.#last) return
    const { fleet, servers, autoScaler } = this.#of
    const { minServers, maxServers } = autoScaler.limits
    fleet.begin(Math.min(maxServers, Math.max(minServers, this.#last.servers)))
    servers.expect(this.#last.load)
  }

  /** What remains to be restored once the clock is set. */
  resume(): void {
    if (this.#last) resumeFrom(this.#last, this.#scaler)
  }

  /** Writes it every few seconds. */
  keepOn(): void {
    this.#timer = setInterval(() => this.write(), WRITE_MS)
    this.#timer.unref()
  }

  write(): void {
    void this.#file.write(this.#state())
  }

  /** The last one, before the process ends. */
  writeNow(): void {
    this.#file.writeNow(this.#state())
  }

  close(): void {
    clearInterval(this.#timer)
  }

  get #scaler() {
    return { autoScaler: this.#of.autoScaler, onFault: this.#of.faults.report }
  }

  #state(): FleetState {
    const { clock, fleet, servers } = this.#of
    return captureState(this.#scaler, {
      time: clock.now(),
      servers: fleet.desiredCount,
      load: servers.load,
    })
  }
}
