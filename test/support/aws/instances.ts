import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { Aws } from './aws.ts'

const LOOK_MS = 200
const SHUTDOWN_MS = 20_000

/** What instances of the group `chat` do once they are launched: each starts a process, and shuts it down as it ends. */
export class Instances {
  readonly #aws: Aws
  readonly #boot: (id: string) => ChildProcess
  readonly #onEnd: (id: string) => void
  readonly #running = new Map<string, ChildProcess>()
  readonly #timer: NodeJS.Timeout
  #looking = false

  /**
   * @param boot starts the process of an instance
   * @param onEnd called when the group has ended an instance, before its process is shut down
   */
  constructor(aws: Aws, boot: (id: string) => ChildProcess, onEnd: (id: string) => void) {
    this.#aws = aws
    this.#boot = boot
    this.#onEnd = onEnd
    this.#timer = setInterval(() => void this.#look(), LOOK_MS)
  }

  get ids(): string[] {
    return [...this.#running.keys()]
  }

  close(): void {
    clearInterval(this.#timer)
    for (const child of this.#running.values()) child.kill('SIGKILL')
  }

  async #look(): Promise<void> {
    if (this.#looking) return
    this.#looking = true
    try {
      const { Instances = [] } = await this.#aws.group()
      const launched = new Set(Instances.map(({ InstanceId }) => InstanceId!))
      for (const id of launched) if (!this.#running.has(id)) this.#running.set(id, this.#boot(id))
      for (const [id, child] of this.#running) if (!launched.has(id)) void this.#shutDown(id, child)
    } finally {
      this.#looking = false
    }
  }

  async #shutDown(id: string, child: ChildProcess): Promise<void> {
    this.#running.delete(id)
    this.#onEnd(id)
    if (child.exitCode !== null) return
    const gone = once(child, 'exit')
    child.kill('SIGTERM')
    const timer = setTimeout(() => child.kill('SIGKILL'), SHUTDOWN_MS)
    await gone
    clearTimeout(timer)
  }
}
