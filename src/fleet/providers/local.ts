import { type ChildProcess, fork } from 'node:child_process'
import type { ProviderFactory, ServerId } from '../provider.ts'

export interface LocalProviderOptions {
  /** The module that a server process runs, and the options of Node to run it. It tells `{ type: 'ready' }` when it takes users, and exits with 0 when drained. */
  module: string
  execArgv: readonly string[]
  /** Prepares a process that was just forked; its `stdio[4]` is a stream of its own. */
  onFork(id: ServerId, child: ChildProcess): void
  /** Asks a ready process to empty itself and exit. */
  drain(id: ServerId, child: ChildProcess): void
  /** Asks a process to exit soon. */
  stop(child: ChildProcess): void
  /** Seconds without a word from a ready process after which it is taken for hung and killed; 5. */
  hangSeconds?: number
  /** Seconds a process may take to become ready; 30. */
  startSeconds?: number
}

/** Seconds that a process has to exit when it was asked to. */
const STOP_SECONDS = 5
const CHECK_MS = 500

interface LocalServer {
  readonly child: ChildProcess
  state: 'starting' | 'ready' | 'leaving'
  lastWord: number
  reason: string | undefined
}

/** Servers as child processes on this machine. A process that hangs is killed: its users go to others. */
export function localProvider(options: LocalProviderOptions): ProviderFactory {
  const { module, execArgv, onFork, drain, stop, hangSeconds = 5, startSeconds = 30 } = options
  return (lifecycle) => {
    const servers = new Map<ServerId, LocalServer>()

    const launch = (id: ServerId) => {
      const child = fork(module, {
        execArgv: [...execArgv],
        stdio: ['ignore', 'inherit', 'inherit', 'ipc', 'pipe'],
      })
      const server: LocalServer = { child, state: 'starting', lastWord: performance.now(), reason: undefined }
      servers.set(id, server)
      child.on('message', (message: { type?: unknown }) => {
        server.lastWord = performance.now()
        if (message.type !== 'ready' || server.state !== 'starting') return
        server.state = 'ready'
        lifecycle.ready(id)
      })
      child.on('error', (error) => {
        server.reason ??= error.message
        if (child.pid === undefined) ended(id, server, null, null)
      })
      child.once('exit', (code, signal) => ended(id, server, code, signal))
      onFork(id, child)
    }

    const ended = (id: ServerId, server: LocalServer, code: number | null, signal: string | null) => {
      if (!servers.delete(id)) return
      if (server.state === 'leaving' && code === 0) lifecycle.stopped(id)
      else
        lifecycle.failed(id, server.reason ?? (signal ? `killed by ${signal}` : `exited with status ${code}`))
    }

    const kill = (server: LocalServer, reason: string) => {
      server.reason ??= reason
      server.child.kill('SIGKILL')
    }

    const check = setInterval(() => {
      const now = performance.now()
      for (const server of servers.values()) {
        const silent = (now - server.lastWord) / 1000
        if (server.state === 'starting' && silent > startSeconds)
          kill(server, `not ready within ${startSeconds} s`)
        else if (server.state !== 'starting' && silent > hangSeconds)
          kill(server, `gave no sign for ${hangSeconds} s`)
      }
    }, CHECK_MS)

    return {
      name: 'local',
      launch,
      drain(id) {
        const server = servers.get(id)
        if (!server) return
        const wasReady = server.state === 'ready'
        server.state = 'leaving'
        if (wasReady) drain(id, server.child)
        else server.child.kill('SIGKILL') // holds nobody
      },
      kill(id) {
        servers.get(id)?.child.kill('SIGKILL')
      },
      async close() {
        clearInterval(check)
        const all = [...servers.values()]
        servers.clear()
        await Promise.all(
          all.map(
            ({ child }) =>
              new Promise<void>((resolve) => {
                if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null)
                  return resolve()
                const timer = setTimeout(() => child.kill('SIGKILL'), STOP_SECONDS * 1000)
                child.once('exit', () => {
                  clearTimeout(timer)
                  resolve()
                })
                stop(child)
              }),
          ),
        )
      },
    }
  }
}
