import { mock } from 'node:test'
import { type Rng, seededRng } from '../../src/base/rng.ts'
import type { Session } from '../../src/chat/session/session.ts'
import { SessionMoves } from '../../src/chat/session/session-moves.ts'
import { Backoff } from '../../src/client/backoff.ts'
import { MOVE_ATTEMPTS } from '../../src/client/connections.ts'
import { commandTopic, type ServerCommand, TARGETS_TOPIC, type Targets } from '../../src/cluster/messages.ts'
import { UserBalancer } from '../../src/cluster/user-balancer.ts'
import type { ServerMessage } from '../../src/protocol/messages.ts'

/** How a connection finds its server. `direct`: servers advertise an address of their own. */
export const WAYS_IN = ['round robin', 'random', 'least connections', 'direct'] as const
type WayIn = (typeof WAYS_IN)[number]

export interface MovesReport {
  /** Users who had to change servers. */
  readonly ideal: number
  /** Times that one did. */
  readonly moves: number
  /** Connections that were tried for them. */
  readonly attempts: number
  /** Until the last move. */
  readonly seconds: number
  /** How far the worst server is from its share in the end, as a part of it. */
  readonly off: number
}

const TICK_MS = 50
const RUN_SECONDS = 120
const STATUS_MS = 1000

interface ChatServer {
  readonly number: number
  readonly ref: string
  readonly sessions: Set<Session>
  readonly moves: SessionMoves
  isAbove: boolean
  /** Of the last status: users, and of those who were not asked to move. */
  connections: number
  staying: number
}

/**
 * What it takes to even out users over servers behind a load balancer that knows no targets, in time that is made here: the
 * controller's balancer and the servers' part of moves are the real ones, connections are not.
 * @param users of each server
 */
export function movesBehind(wayIn: WayIn, users: readonly number[], seed = 1): MovesReport {
  mock.timers.enable({ apis: ['setInterval', 'setTimeout'] })
  try {
    const run = new Run(wayIn, users, seededRng(seed))
    while (run.now < RUN_SECONDS * 1000) {
      run.now += TICK_MS
      mock.timers.tick(TICK_MS)
      if (run.now % STATUS_MS === 0) run.report()
    }
    return run.end()
  } finally {
    mock.timers.reset()
  }
}

class Run {
  /** Milliseconds since the begin. */
  now = 0
  readonly #wayIn: WayIn
  readonly #rng: Rng
  readonly #servers: readonly ChatServer[]
  readonly #balancer: UserBalancer
  readonly #ideal: number
  #turn = 0
  #moves = 0
  #attempts = 0
  #lastMove = 0

  constructor(wayIn: WayIn, users: readonly number[], rng: Rng) {
    this.#wayIn = wayIn
    this.#rng = rng
    this.#servers = users.map((count, i) => {
      const sessions = new Set<Session>()
      const server: ChatServer = {
        number: i + 1,
        ref: `server-${i + 1}`,
        sessions,
        moves: new SessionMoves(sessions),
        isAbove: false,
        connections: count,
        staying: count,
      }
      for (let k = 0; k < count; k++) this.#connect(server)
      return server
    })
    const total = users.reduce((sum, each) => sum + each, 0)
    const share = total / users.length
    this.#ideal = users.reduce((sum, each) => sum + Math.max(0, Math.floor(each - share)), 0)
    const servers = this.#servers
    this.#balancer = new UserBalancer(
      {
        fleet: {
          get ready() {
            return servers.map(({ number, ref, staying }) => ({ id: number, ref, users: staying, weight: 1 }))
          },
        },
        servers: {
          status: (ref) => {
            const { number, connections } = servers.find((each) => each.ref === ref)!
            const direct = wayIn === 'direct'
            return { state: 'ready', number, direct, url: `ws://${ref}`, report: { connections } }
          },
        },
        bus: { connected: true, publish: (topic, text) => this.#onPublish(topic, text) },
        now: () => this.now / 1000,
        leads: () => true,
      },
      'least-loaded',
      undefined,
    )
    this.#balancer.start()
  }

  #onPublish(topic: string, text: string): void {
    if (topic === TARGETS_TOPIC) {
      const { above } = JSON.parse(text) as Targets
      for (const server of this.#servers) server.isAbove = above.includes(server.ref)
      return
    }
    const command = JSON.parse(text) as ServerCommand
    const server = this.#servers.find(({ ref }) => topic === commandTopic(ref))
    if (command.type !== 'rebalance') return
    const { count, to, seconds } = command
    server?.moves.rebalance(count, { to }, seconds)
  }

  /** A user's connection to a server; it moves when it is asked to. */
  #connect(server: ChatServer): void {
    const backoff = new Backoff(() => this.#rng.next())
    const session = {
      user: 'someone',
      send: (message: ServerMessage) => {
        if (message.type !== 'move') return
        setTimeout(() => this.#move(server, session, backoff, message.to, 0), message.afterMs)
      },
    } as unknown as Session
    server.sessions.add(session)
  }

  #move(from: ChatServer, session: Session, backoff: Backoff, to: number | undefined, failed: number): void {
    this.#attempts++
    const target = this.#arrivesAt(to)
    if (to !== undefined && target.number !== to && target.isAbove) {
      if (failed + 1 === MOVE_ATTEMPTS) return
      backoff.failed()
      setTimeout(() => this.#move(from, session, backoff, to, failed + 1), backoff.wait())
      return
    }
    from.sessions.delete(session)
    from.moves.forget(session)
    this.#connect(target)
    this.#moves++
    this.#lastMove = this.now
  }

  #arrivesAt(to: number | undefined): ChatServer {
    const servers = this.#servers
    switch (this.#wayIn) {
      case 'direct':
        return servers.find(({ number }) => number === to)!
      case 'round robin':
        return servers[this.#turn++ % servers.length]!
      case 'random':
        return servers[this.#rng.below(servers.length)]!
      case 'least connections':
        return servers.reduce((least, each) => (each.sessions.size < least.sessions.size ? each : least))
    }
  }

  /** Each server says how many users it has. */
  report(): void {
    for (const server of this.#servers) {
      server.connections = server.sessions.size
      server.staying = server.sessions.size - server.moves.leaving
    }
  }

  end(): MovesReport {
    this.#balancer.stop()
    const sizes = this.#servers.map(({ sessions }) => sessions.size)
    const share = sizes.reduce((sum, each) => sum + each, 0) / sizes.length
    return {
      ideal: this.#ideal,
      moves: this.#moves,
      attempts: this.#attempts,
      seconds: this.#lastMove / 1000,
      off: Math.max(...sizes.map((each) => Math.abs(each - share))) / share,
    }
  }
}
