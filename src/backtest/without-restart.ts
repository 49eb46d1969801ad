import type { AutoScaler } from '../scaling/auto-scaler.ts'
import type { FluidFleet, FluidObservation } from '../scaling/fluid-fleet.ts'

/** Of the time after a restart that is compared with the same fleet without one, seconds. */
const AFTER_RESTART = 3600

/** The fleet as it would have continued without the restart, for a while. */
export class WithoutRestart {
  readonly #fleet: FluidFleet
  readonly #scaler: AutoScaler
  readonly #from: number
  #own = 0
  #other = 0

  constructor(fleet: FluidFleet, scaler: AutoScaler, time: number) {
    this.#fleet = fleet.copy()
    this.#scaler = scaler
    this.#from = time
  }

  /** Lets it decide on the same load. */
  decide(time: number, observe: (fleet: FluidFleet) => FluidObservation): void {
    if (time >= this.#from + AFTER_RESTART) return
    this.#fleet.advance(time)
    this.#fleet.scaleTo(this.#scaler.decide(observe(this.#fleet)).to, time)
  }

  compare(time: number, size: number): void {
    if (time >= this.#from + AFTER_RESTART) return
    this.#own += size
    this.#other += this.#fleet.size
  }

  get difference(): number {
    return this.#other > 0 ? this.#own / this.#other - 1 : 0
  }
}
