import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { ConcertinaError } from '../base/errors.ts'
import { requireFile } from '../base/plain-file.ts'
import type { AutoScaler } from '../scaling/auto-scaler.ts'

/** What a fleet needs of its last run to continue where it was: kept beside the room log. */
const stateSchema = z.object({
  version: z.literal(1),
  /** When it was written: seconds since 1970, and on the clock of that run. */
  wallTime: z.number(),
  time: z.number(),
  /** Desired servers, and users. */
  servers: z.number().int().min(0),
  load: z.number().min(0),
  /** Seconds since the last scaling event; absent when there was none. */
  sinceScaling: z.number().min(0).optional(),
  policy: z.string(),
  /** What the policy had learned. */
  learned: z.unknown().optional(),
})

export type FleetState = z.infer<typeof stateSchema>

/** @throws when the text is not a state. */
export function parseState(text: string): FleetState {
  return stateSchema.parse(JSON.parse(text))
}

interface StatefulFleet {
  readonly autoScaler: AutoScaler
  /** Receives what a policy threw. */
  onFault(where: string, error: unknown): void
}

/** The state of a fleet at `time` on its clock. */
export function captureState(
  { autoScaler: { policy, limits }, onFault }: StatefulFleet,
  { time, servers, load }: Pick<FleetState, 'time' | 'servers' | 'load'>,
): FleetState {
  let learned: unknown
  try {
    learned = policy.snapshot()
  } catch (error) {
    onFault('the policy, saving what it has learned', error)
  }
  const sinceScaling = time - limits.lastEvent
  return {
    version: 1,
    wallTime: Date.now() / 1000,
    time,
    servers,
    load,
    ...(Number.isFinite(sinceScaling) && { sinceScaling: Math.max(0, sinceScaling) }),
    policy: policy.name,
    learned,
  }
}

/** Continues where the state was captured, with a clock that begins at zero now. */
export function resumeFrom(
  state: FleetState,
  { autoScaler: { policy, limits }, onFault }: StatefulFleet,
): void {
  const ago = Math.max(0, Date.now() / 1000 - state.wallTime)
  if (state.sinceScaling !== undefined) limits.lastEvent = -(ago + state.sinceScaling)
  if (state.policy !== policy.name || state.learned == null) return
  try {
    policy.restore(state.learned, -(ago + state.time))
  } catch (error) {
    onFault('the policy, restoring what it had learned', error)
  }
}

/** The file that a fleet's state is kept in. Losing it costs nothing but a start from the fewest servers. */
export class StateFile {
  readonly #file: string
  readonly #onError: (message: string) => void
  #writing = false

  /** @param onError is called when it cannot be read or written */
  constructor(folder: string, onError: (message: string) => void) {
    this.#file = join(folder, 'controller.json')
    this.#onError = onError
  }

  /** The state of the last run; `undefined` when there is none that can be read. */
  read(): FleetState | undefined {
    let text: string
    try {
      requireFile(this.#file, 'nothing of that name')
      text = readFileSync(this.#file, 'utf8')
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      const what =
        error instanceof ConcertinaError ? error.message : `${this.#file}: cannot be read (${code})`
      if (code !== 'ENOENT') this.#onError(`${what}; starting afresh`)
      return undefined
    }
    try {
      return parseState(text)
    } catch {
      this.#onError(`${this.#file}: is damaged; starting afresh`)
      return undefined
    }
  }

  /** Writes it without holding anything up; skipped while the one before is still being written. */
  async write(state: FleetState): Promise<void> {
    if (this.#writing) return
    this.#writing = true
    try {
      await writeFile(this.#temporary, JSON.stringify(state))
      await rename(this.#temporary, this.#file)
    } catch (error) {
      this.#failed(error)
    } finally {
      this.#writing = false
    }
  }

  /** The last one, before the process ends. */
  writeNow(state: FleetState): void {
    try {
      writeFileSync(`${this.#temporary}-last`, JSON.stringify(state))
      renameSync(`${this.#temporary}-last`, this.#file)
    } catch (error) {
      this.#failed(error)
    }
  }

  get #temporary(): string {
    return `${this.#file}.new`
  }

  #failed(error: unknown): void {
    this.#onError(`${this.#file}: cannot be written (${(error as NodeJS.ErrnoException).code ?? error})`)
  }
}
