import { type ChildProcess, fork, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { FleetCommand, FleetMessage } from './fleet-process.ts'

const MODULE = fileURLToPath(new URL('./fleet-process.ts', import.meta.url))
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** A fleet in a process of its own, which is killed and started again on the same port and folder. */
export class ChaosFleet {
  readonly #data: string
  readonly #verbose: boolean
  #child!: ChildProcess
  port = 0
  /** Of the server API. */
  apiPort = 0
  readonly apiKey = randomBytes(24).toString('hex')

  constructor(data: string, verbose: boolean) {
    this.#data = data
    this.#verbose = verbose
  }

  async start(): Promise<void> {
    const args = [
      this.#data,
      String(this.port),
      String(this.apiPort),
      this.apiKey,
      this.#verbose ? 'verbose' : '',
    ]
    this.#child = fork(MODULE, args, { execArgv: ['--import', import.meta.resolve('tsx')] })
    const [message] = (await once(this.#child, 'message')) as [FleetMessage]
    if (message.type === 'listening') Object.assign(this, { port: message.port, apiPort: message.apiPort })
  }

  send(command: FleetCommand): void {
    if (this.#child.connected) this.#child.send(command)
  }

  async killAndStart(): Promise<void> {
    const servers = this.#servers()
    this.#child.kill('SIGKILL')
    await once(this.#child, 'exit')
    signal(servers, 'SIGCONT') // a stopped one would never see that it has to end
    await this.start()
  }

  /** Stops the supervisor, and with `everything` its servers, for so long, as a paused container or machine does. */
  async pause(ms: number, everything: boolean): Promise<void> {
    const pids = [this.#child.pid!, ...(everything ? this.#servers() : [])]
    signal(pids, 'SIGSTOP')
    await sleep(ms)
    signal(pids, 'SIGCONT')
  }

  #servers(): number[] {
    const { stdout } = spawnSync('pgrep', ['-P', String(this.#child.pid)], { encoding: 'utf8' })
    return stdout.split('\n').filter(Boolean).map(Number)
  }

  async stop(): Promise<number | null> {
    this.send({ type: 'stop' })
    const [status] = (await once(this.#child, 'exit')) as [number | null]
    return status
  }
}

function signal(pids: readonly number[], name: 'SIGSTOP' | 'SIGCONT'): void {
  for (const pid of pids) {
    try {
      process.kill(pid, name)
    } catch {
      // It has ended in the meantime.
    }
  }
}
