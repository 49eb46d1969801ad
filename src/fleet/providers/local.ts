import type { ChildProcess } from 'node:child_process'
import { type KeysOf, requireKnown } from '../../base/known-keys.ts'
import { failureWords, howItEnded } from '../failure-words.ts'
import type { ProviderFactory, ServerId, ServerRef } from '../provider.ts'
import { forkServer } from './fork-server.ts'
import { WarmSpares } from './warm-spares.ts'

/** Options of the provider `local`: what its processes run, and how they are ended. */
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
  hangSeconds?: number | undefined
  /** Seconds a process may take to become ready; default 30. */
  startSeconds?: number
  /** Processes that have loaded the module and wait to become servers; default 0. */
  spares?: number | undefined
  /** A process of the module that was started ahead: the first server. */
  started?: ChildProcess | undefined
}

const KEYS: KeysOf<LocalProviderOptions> = {
  module: true,
  execArgv: true,
  onFork: true,
  drain: true,
  stop: true,
  hangSeconds: true,
  startSeconds: true,
  spares: true,
  started: true,
}

/** Seconds that a process has to exit on request. */
const STOP_SECONDS = 5
const CHECK_MS = 500

interface LocalServer {
  readonly id: ServerId
  readonly child: ChildProcess
  state: 'starting' | 'ready' | 'leaving'
  /** Checks since its last message. Not seconds: while the whole machine is paused, no server is silent. */
  silentChecks: number
  /** Why it is killed. */
  reason?: string
}

/** Servers as child processes on this machine. A process that hangs is killed: its users go to others. */
export function localProvider(options: LocalProviderOptions): ProviderFactory {
  requireKnown('', options, KEYS)
  const { module, execArgv, onFork, drain, stop, hangSeconds = 5, startSeconds = 30, spares = 0 } = options
  const checks = (seconds: number) => Math.max(1, Math.ceil((seconds * 1000) / CHECK_MS))
  return (lifecycle) => {
    const servers = new Map<ServerRef, LocalServer>()
    let launched = 0
    let timer: NodeJS.Timeout | undefined
    let closed = false

    const forked = () => forkServer(module, execArgv)
    const warm = new WarmSpares(forked, spares, options.started)

    const launch = () => {
      const ref = `local-${process.pid}-${++launched}`
      const id = lifecycle.starting(ref)
      const child = warm.take() ?? forked()
      if (child instanceof Error) {
        // Not within the call that launched it.
        setImmediate(() => closed || lifecycle.failed(ref, child.message))
        return
      }
      const server: LocalServer = { id, child, state: 'starting', silentChecks: 0 }
      servers.set(ref, server)
      timer ??= setInterval(check, CHECK_MS)
      child.on('message', (message: { type?: unknown }) => {
        server.silentChecks = 0
        if (message.type !== 'ready' || server.state !== 'starting') return
        server.state = 'ready'
        lifecycle.ready(ref)
        warm.refill()
      })
      child.on('error', (error) => {
        server.reason ??= error.message
      })
      child.once('exit', (code, signal) => ended(ref, server, code, signal))
      onFork(id, child, ref)
    }

    const ended = (ref: ServerRef, server: LocalServer, code: number | null, signal: string | null) => {
      if (!servers.delete(ref)) return
      if (server.state === 'leaving' && code === 0) lifecycle.stopped(ref)
      else lifecycle.failed(ref, server.reason ?? howItEnded(code, signal))
    }

    const kill = (server: LocalServer, reason: string) => {
      server.reason ??= reason
      server.child.kill('SIGKILL')
    }

    const check = () => {
      for (const server of servers.values()) {
        const silent = ++server.silentChecks
        if (server.state === 'starting') {
          if (silent > checks(startSeconds))
            kill(server, failureWords.say('notReady', { seconds: startSeconds }))
        } else if (silent > checks(hangSeconds)) {
          kill(server, failureWords.say('noHeartbeat', { seconds: hangSeconds }))
        }
      }
    }

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
        closed = true
        clearInterval(timer)
        const all = [...servers.values()]
        servers.clear()
        await warm.close()
        await Promise.all(
          all.map(
            ({ child }) =>
              new Promise<void>((resolve) => {
                if (child.exitCode !== null || child.signalCode !== null) return resolve()
                const late = setTimeout(() => child.kill('SIGKILL'), STOP_SECONDS * 1000)
                child.once('exit', () => {
                  clearTimeout(late)
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
