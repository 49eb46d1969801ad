import { type ChildProcess, fork } from 'node:child_process'
import type { ProviderFactory, ServerId, ServerRef } from '../provider.ts'

export interface LocalProviderOptions {
  /** The module that a server process runs, and the options of Node to run it. It sends `{ type: 'ready' }` when it takes users, and exits with 0 when drained. */
  module: string
  execArgv: readonly string[]
  /** Prepares a process that was just forked; its `stdio[4]` is a stream of its own. */
  onFork(id: ServerId, child: ChildProcess, ref: ServerRef): void
  /** Asks a ready process to empty itself and exit. */
  drain(id: ServerId, child: ChildProcess): void
  /** Asks a process to exit soon. */
  stop(child: ChildProcess): void
  /** Seconds without a message from a ready process after which it counts as hung and is killed; default 5. */
  hangSeconds?: number
  /** Seconds a process may take to become ready; default 30. */
  startSeconds?: number
}

/** Seconds that a process has to exit when it was asked to. */
const STOP_SECONDS = 5
const CHECK_MS = 500

interface LocalServer {
  readonly id: ServerId
  readonly child: ChildProcess
  state: 'starting' | 'ready' | 'leaving'
  lastMessage: number
  reason: string | undefined
}

/** Servers as child processes on this machine. A process that hangs is killed: its users go to others. */
export function localProvider(options: LocalProviderOptions): ProviderFactory {
  const { module, execArgv, onFork, drain, stop, hangSeconds = 5, startSeconds = 30 } = options
  return (lifecycle) => {
    const servers = new Map<ServerRef, LocalServer>()
    let launched = 0

    const launch = () => {
      const ref = `local-${process.pid}-${++launched}`
      const id = lifecycle.starting(ref)
      const child = fork(module, {
        execArgv: [...execArgv],
        stdio: ['ignore', 'inherit', 'inherit', 'ipc', 'pipe'],
      })
      const server: LocalServer = {
        id,
        child,
        state: 'starting',
        lastMessage: performance.now(),
        reason: undefined,
      }
      servers.set(ref, server)
      child.on('message', (message: { type?: unknown }) => {
        server.lastMessage = performance.now()
        if (message.type !== 'ready' || server.state !== 'starting') return
        server.state = 'ready'
        lifecycle.ready(ref)
      })
      child.on('error', (error) => {
        server.reason ??= error.message
        if (child.pid === undefined) ended(ref, server, null, null)
      })
      child.once('exit', (code, signal) => ended(ref, server, code, signal))
      onFork(id, child, ref)
    }

    const ended = (ref: ServerRef, server: LocalServer, code: number | null, signal: string | null) => {
      if (!servers.delete(ref)) return
      if (server.state === 'leaving' && code === 0) lifecycle.stopped(ref)
      else
        lifecycle.failed(
          ref,
          server.reason ?? (signal ? `killed by ${signal}` : `exited with status ${code}`),
        )
    }

    const kill = (server: LocalServer, reason: string) => {
      server.reason ??= reason
      server.child.kill('SIGKILL')
    }

    const check = setInterval(() => {
      const now = performance.now()
      for (const server of servers.values()) {
        const silent = (now - server.lastMessage) / 1000
        if (server.state === 'starting' && silent > startSeconds)
          kill(server, `not ready within ${startSeconds} s`)
        else if (server.state !== 'starting' && silent > hangSeconds)
          kill(server, `no heartbeat for ${hangSeconds} s`)
      }
    }, CHECK_MS)

    return {
      name: 'local',
      launch(count) {
        for (let i = 0; i < count; i++) launch()
      },
      cancel() {}, // a launch has its server at once
      drain(ref) {
        const server = servers.get(ref)
        if (!server) return
        const wasReady = server.state === 'ready'
        server.state = 'leaving'
        if (wasReady) drain(server.id, server.child)
        else server.child.kill('SIGKILL') // has no users
      },
      kill(ref) {
        servers.get(ref)?.child.kill('SIGKILL')
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
