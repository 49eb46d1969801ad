import type { ChildProcess } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { connectNats } from '../../src/chat/log/nats/connection.ts'
import { NatsRoomLog } from '../../src/chat/log/nats/nats-room-log.ts'
import { LogUnavailable } from '../../src/chat/log/room-log.ts'
import type { ServerStatus } from '../../src/cluster/messages.ts'
import type { LoggedMessage } from '../../src/verify/checker.ts'
import { startCli } from '../run-cli.ts'
import { startBalancer } from './balancer.ts'

export interface ClusterProcess {
  readonly child: ChildProcess
  /** Exit status, standard output and error output; once it has ended. */
  readonly finished: ReturnType<typeof startCli>['finished']
  readonly lines: readonly Record<string, unknown>[]
  /** Resolves with the first log line, past or future, that fits. */
  line(fits: (line: Record<string, unknown>) => boolean): Promise<Record<string, unknown>>
}

/** A process of the command line that logs JSON lines. */
export function startLogging(args: readonly string[], program?: readonly string[]): ClusterProcess {
  const { child, finished } = startCli(args, {}, program)
  const lines: Record<string, unknown>[] = []
  const waiting = new Set<() => void>()
  createInterface({ input: child.stdout! }).on('line', (text) => {
    try {
      lines.push(JSON.parse(text) as Record<string, unknown>)
    } catch {
      return
    }
    for (const look of waiting) look()
  })
  return {
    child,
    finished,
    lines,
    line: (fits) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const found = lines.find(fits)
          if (!found) return
          waiting.delete(look)
          resolve(found)
        }
        waiting.add(look)
        void finished.then(({ status, stderr }) => reject(new Error(`ended with ${status}: ${stderr}`)))
        look()
      }),
  }
}

export interface ServerProcess extends ClusterProcess {
  readonly url: string
  readonly port: number
  readonly ref: string
}

/** `concertina server` on a free port, once it is ready. */
export async function startServer(
  args: readonly string[],
  program?: readonly string[],
): Promise<ServerProcess> {
  const started = startLogging(['server', '--port', '0', '--anonymous', ...args], program)
  const { url, ref } = await started.line(({ url }) => url !== undefined)
  return { ...started, url: String(url), port: Number(new URL(String(url)).port), ref: String(ref) }
}

/** Processes that have `argument` on their command line (Linux; none elsewhere). */
function processesWith(argument: string): number[] {
  try {
    return readdirSync('/proc').flatMap((entry) => {
      try {
        const args = readFileSync(`/proc/${entry}/cmdline`, 'utf8').split('\0')
        return args.includes(argument) ? Number(entry) : []
      } catch {
        return [] // not a process, or one that has just ended
      }
    })
  } catch {
    return []
  }
}

/**
 * The servers of a cluster as they report themselves, behind a load balancer; those that still run end with it, and those that still
 * start.
 * @param address of the broker as the servers have it on their command line
 */
export async function watchServers(broker: string, name: string, address = broker) {
  const nats = await connectNats(broker, 'test')
  const servers = new Map<string, ServerStatus>()
  const balancer = await startBalancer()
  const signal = (pid: number, how: NodeJS.Signals) => {
    try {
      process.kill(pid, how)
    } catch {
      // It has ended by itself.
    }
  }
  nats.connection.subscribe(`${name}.bus.status`, {
    callback: (_, message) => {
      const status = message.json<ServerStatus>()
      const port = Number(new URL(status.url).port)
      if (status.state === 'stopped') {
        servers.delete(status.ref)
        balancer.remove(port)
        return
      }
      if (!servers.has(status.ref)) balancer.add(port)
      servers.set(status.ref, status)
    },
  })
  return {
    servers,
    url: balancer.url,
    signal: ({ pid }: ServerStatus, how: NodeJS.Signals) => signal(pid, how),
    async close() {
      const running = [...servers.values()].map(({ pid }) => pid)
      for (const pid of new Set([...running, ...processesWith(address)])) signal(pid, 'SIGKILL')
      balancer.close()
      await nats.connection.close()
    },
  }
}

/** The whole room log of a run, room by room. */
export async function roomLogOf(
  broker: string,
  options: { name: string; replicas?: number },
  rooms: Iterable<string>,
): Promise<LoggedMessage[]> {
  const nats = await connectNats(broker, 'test')
  const log = await NatsRoomLog.open(nats, options)
  const messages: LoggedMessage[] = []
  try {
    for (const room of rooms) {
      for (let at = 0; ; ) {
        const { entries } = await untilAnswered(() => log.read(room, at, 1000))
        if (entries.length === 0) break
        for (const { payload } of entries) messages.push(JSON.parse(payload.toString()) as LoggedMessage)
        at = entries.at(-1)!.seq
      }
    }
    return messages
  } finally {
    await log.close()
    await nats.connection.close()
  }
}

/** A broker that has just been disturbed, on a machine that is busy, needs its time. */
async function untilAnswered<T>(read: () => Promise<T>): Promise<T> {
  const until = performance.now() + 60_000
  for (;;) {
    try {
      return await read()
    } catch (error) {
      if (!(error instanceof LogUnavailable) || performance.now() > until) throw error
      await sleep(500)
    }
  }
}
