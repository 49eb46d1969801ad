import { BUILT } from '../../test/run-cli.ts'
import { startServer } from '../../test/support/cluster.ts'
import { startNats } from '../../test/support/nats.ts'
import { startRedis } from '../../test/support/redis.ts'
import { type RunningPeer, startCentrifugoAround } from './peers.ts'
import { stop } from './processes.ts'

/** Chat servers that share a broker, as processes of their own. */
export interface RunningCluster {
  readonly ports: readonly number[]
  readonly servers: readonly number[]
  readonly broker: readonly number[]
  stop(): Promise<void>
}

interface RunningBroker {
  readonly url: string
  readonly pids: readonly number[]
  close(): unknown
}

async function nats(): Promise<RunningBroker> {
  const { url, nodes, close } = await startNats()
  return { url, pids: nodes.map(({ process }) => process.pid!), close }
}

async function redis(): Promise<RunningBroker> {
  const { url, process, close } = await startRedis('--appendfsync', 'everysec')
  return { url, pids: [process.pid!], close }
}

async function around(
  startBroker: () => Promise<RunningBroker>,
  count: number,
  start: (url: string) => Promise<RunningPeer>,
): Promise<RunningCluster> {
  const broker = await startBroker()
  const servers: RunningPeer[] = []
  const end = async () => {
    await Promise.all(servers.map((each) => each.stop()))
    await broker.close()
  }
  try {
    for (let i = 0; i < count; i++) servers.push(await start(broker.url))
  } catch (error) {
    await end()
    throw error
  }
  return {
    ports: servers.map(({ port }) => port),
    servers: servers.map(({ pid }) => pid),
    broker: broker.pids,
    stop: end,
  }
}

async function concertina(broker: string): Promise<RunningPeer> {
  const { child, port } = await startServer(['--broker', broker, '--drain-seconds', '0'], BUILT)
  return { port, pid: child.pid!, stop: () => stop(child) }
}

/** Ours around three NATS nodes with three copies, or around one Redis; Centrifugo around the same. */
export const concertinaNats = (servers: number) => around(nats, servers, concertina)
export const concertinaRedis = (servers: number) => around(redis, servers, concertina)
export const centrifugoNats = (servers: number) =>
  around(nats, servers, (url) => startCentrifugoAround({ nats: url }))
export const centrifugoRedis = (servers: number) =>
  around(redis, servers, (url) => startCentrifugoAround({ redis: url }))
