import { setTimeout as pause } from 'node:timers/promises'
import { invalidInput } from '../base/errors.ts'
import type { ControlTarget } from './control-target.ts'
import { summaryOf } from './fleet-summary.ts'
import { type FleetStatus, OtherFleet, type OtherFleetOptions } from './other-fleet.ts'

/** Milliseconds that a request waits for other fleets; a slower one is shown as before. */
const WAIT_MS = 500

/** This fleet and the others that its operators run. */
export class Fleets {
  readonly #name: string
  readonly #others: readonly OtherFleet[]

  /**
   * @param name of this fleet; may be empty
   * @throws {ConcertinaError} INVALID_INPUT when two have the same name.
   */
  constructor(name = '', others: readonly OtherFleetOptions[] = []) {
    const names = [name, ...others.map((each) => each.name)]
    const twice = names.find((each, i) => names.indexOf(each) < i)
    if (twice !== undefined)
      throw invalidInput('fleets', `${JSON.stringify(twice)} is there twice`, 'a name of its own for each')
    this.#name = name
    this.#others = others.map((each) => new OtherFleet(each))
  }

  /** All fleets, this one first. */
  async list(target: ControlTarget): Promise<FleetStatus[]> {
    const asked = Promise.all(this.#others.map((each) => each.poll()))
    if (this.#others.length > 0) await Promise.race([asked, pause(WAIT_MS, undefined, { ref: false })])
    const own = { name: this.#name, summary: summaryOf(target), seenMs: Date.now() }
    return [own, ...this.#others.map(({ status }) => status)]
  }
}
