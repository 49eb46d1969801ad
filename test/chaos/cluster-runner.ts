import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ClusterProcess, roomLogOf, startLogging, watchServers } from '../support/cluster.ts'
import { startNats } from '../support/nats.ts'
import { Changers, type ChangesReport } from './changers.ts'
import { type Act, type ChaosOptions, type ChaosReport, ChaosRun } from './chaos-run.ts'
import { CuttingProxy } from './cutting-proxy.ts'

export const CLUSTER_KINDS = [
  'roll-server',
  'roll-controller',
  'roll-nats-node',
  'kill-server',
  'kill-controller',
  'kill-stream-leader',
  'reset-broker-links',
  'pause-server',
  'pause-controller',
  'pause-stream-leader',
  'cut-broker-links',
  'cut-nats-routes',
] as const
type Kind = (typeof CLUSTER_KINDS)[number]

const NAME = 'chaos'
const SERVERS = 4

interface ClusterChaosOptions extends ChaosOptions {
  /** What Node runs as the command line; default its source. */
  program?: readonly string[]
}

/**
 * Users talk through a load balancer to servers around three NATS nodes, and a backend to the newest controller, while servers, controllers, nodes and the connections
 * between any two of them are killed, paused, cut and restarted; returns what the users and the room log say of it.
 */
export async function runClusterChaos(
  options: ClusterChaosOptions,
): Promise<ChaosReport<Kind> & { changes: ChangesReport }> {
  const closing: (() => unknown)[] = []
  const proxied = async (port: () => number, links: CuttingProxy[]) => {
    const link = new CuttingProxy(port)
    closing.push(() => link.close())
    links.push(link)
    return await link.listen()
  }
  try {
    const routes: CuttingProxy[] = []
    const nats = await startNats({ proxyFor: (port) => proxied(() => port, routes) })
    closing.push(() => nats.close())
    const links: CuttingProxy[] = []
    const ports: number[] = []
    for (const { url } of nats.nodes) ports.push(await proxied(() => Number(new URL(url).port), links))
    const broker = `nats://${ports.map((port) => `127.0.0.1:${port}`).join()}`
    const cluster = await watchServers(nats.url, NAME, broker)
    closing.push(() => cluster.close())
    const controllers: ClusterProcess[] = []
    const flags = ['--broker', broker, '--cluster-name', NAME, '--anonymous', '--control-port', '0']
    flags.push('--min-servers', `${SERVERS}`, '--max-servers', `${SERVERS + 2}`)
    flags.push('--scale-up-threshold', `${options.users}`)
    const key = randomBytes(24).toString('hex')
    process.env.CONCERTINA_API_KEY = key
    closing.push(() => delete process.env.CONCERTINA_API_KEY)
    let apiPort = 0
    const startController = () => {
      const controller = startLogging(['controller', ...flags], options.program)
      controllers.push(controller)
      controller
        .line(({ url }) => url !== undefined)
        .then(
          ({ url }) => {
            apiPort = Number(new URL(String(url)).port)
          },
          () => {}, // It was ended before it listened.
        )
    }
    closing.push(() => {
      for (const { child } of controllers) child.kill('SIGKILL')
    })
    startController()
    startController()
    for (const until = Date.now() + 60_000; cluster.servers.size < SERVERS; await sleep(100))
      if (Date.now() > until) throw new Error('the servers did not start')

    const run = new ChaosRun<Kind>(cluster.url, options)
    closing.push(() => run.end())
    const api = await proxied(() => apiPort, [])
    const changers = new Changers(cluster.url, { url: `http://127.0.0.1:${api}`, key }, NAME, run.record)
    closing.push(() => changers.end())
    const { rng } = run
    const signalServer = (how: NodeJS.Signals) => {
      const ready = [...cluster.servers.values()].filter(({ state }) => state === 'ready')
      const server = ready[rng.below(ready.length)]
      if (server) cluster.signal(server, how)
      return server
    }
    const pausing = new Set<Promise<void>>()
    /** Lets it go on after `ms`. */
    const resume = (signal: (how: NodeJS.Signals) => unknown, ms: number) => {
      const done = sleep(ms).then(() => {
        signal('SIGCONT')
        pausing.delete(done)
      })
      pausing.add(done)
    }
    const streamLeader = async () =>
      (await nats.leaderOf(`${NAME}_0`).catch(() => undefined)) ?? nats.nodes[rng.below(nats.nodes.length)]!
    /** Ends the oldest one: it leads, unless it has just been paused. */
    const replaceController = (how: NodeJS.Signals) => {
      controllers.shift()!.child.kill(how)
      startController()
    }
    const acts: Record<Kind, Act> = {
      'roll-server': () => void signalServer('SIGTERM'),
      'roll-controller': () => replaceController('SIGTERM'),
      'roll-nats-node': async () => {
        // A second node at once would leave no majority, and nothing to prove.
        await Promise.all(pausing)
        await nats.restart(nats.nodes[rng.below(nats.nodes.length)]!, { gracefully: true })
      },
      'kill-server': () => void signalServer('SIGKILL'),
      'kill-controller': () => replaceController('SIGKILL'),
      'kill-stream-leader': async () => {
        await Promise.all(pausing)
        const leader = await streamLeader()
        leader.process.kill('SIGKILL')
        await sleep(1500)
        await nats.restart(leader)
      },
      'reset-broker-links': () => {
        for (const link of links) link.reset()
      },
      'pause-server': () => {
        const server = signalServer('SIGSTOP')
        if (server) resume((how) => cluster.signal(server, how), 1000 + rng.below(4000))
      },
      'pause-controller': () => {
        const { child } = controllers[0]!
        child.kill('SIGSTOP')
        resume((how) => child.kill(how), 2000 + rng.below(4000))
      },
      'pause-stream-leader': async () => {
        const leader = await streamLeader()
        leader.process.kill('SIGSTOP')
        resume((how) => leader.process.kill(how), 1000 + rng.below(4000))
        await Promise.all(pausing)
      },
      'cut-broker-links': async () => {
        for (const link of links) link.freeze(0.5)
        await sleep(2000)
        for (const link of links) link.thaw()
      },
      'cut-nats-routes': async () => {
        await Promise.all(pausing)
        const route = routes[rng.below(routes.length)]!
        route.freeze(1)
        await sleep(1000 + rng.below(3000))
        route.thaw()
      },
    }
    await run.run(acts, () => Promise.all(pausing))
    const changes = await changers.report()
    run.end()
    changers.end()
    return { ...run.check(await roomLogOf(nats.url, { name: NAME }, run.rooms)), changes }
  } finally {
    for (const close of closing.reverse()) await close()
  }
}
