import { execFile } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { freePort } from './ports.ts'
import { type RedisServer, startRedis } from './redis.ts'

const run = promisify(execFile)
const MASTERS = 3

export interface RedisCluster {
  /** The first masters, by commas. */
  readonly url: string
  readonly nodes: readonly RedisServer[]
  /** Those that are masters now, as one that lives says. */
  masters(): Promise<RedisServer[]>
  close(): Promise<void>
}

/** Starts a Redis Cluster of three masters on loopback, each with this many replicas. */
export async function startRedisCluster(replicas = 0): Promise<RedisCluster> {
  const nodes = await Promise.all(
    Array.from({ length: MASTERS * (1 + replicas) }, async () =>
      startRedis(
        ...['--cluster-enabled', 'yes', '--cluster-node-timeout', '2000'],
        // The default is too high beside some free ports.
        ...['--cluster-port', `${await freePort()}`],
      ),
    ),
  )
  const close = async () => {
    await Promise.all(nodes.map((node) => node.close()))
  }
  const ask = async (node: RedisServer, ...what: string[]) =>
    (await run('redis-cli', ['-p', `${node.port}`, ...what])).stdout
  const masters = async () => {
    const living = nodes.find(({ process }) => process.exitCode === null && process.signalCode === null)!
    const table = await ask(living, 'cluster', 'nodes')
    return nodes.filter(({ port }) =>
      table.split('\n').some((line) => line.includes(`:${port}@`) && /master - /.test(line)),
    )
  }
  try {
    const addresses = nodes.map(({ port }) => `127.0.0.1:${port}`)
    const options = ['--cluster-replicas', `${replicas}`, '--cluster-yes']
    await run('redis-cli', ['--cluster', 'create', ...addresses, ...options])
    for (const until = performance.now() + 30_000; ; await sleep(100)) {
      const all = await Promise.all(nodes.map((node) => ask(node, 'cluster', 'info')))
      const inSync = await Promise.all(nodes.map((node) => ask(node, 'info', 'replication')))
      if (
        all.every((info) => info.includes('cluster_state:ok')) &&
        !inSync.some((info) => /link_status:down/.test(info))
      )
        break
      if (performance.now() > until) throw new Error(`the Redis Cluster is not up:\n${all[0]}`)
    }
  } catch (error) {
    await close()
    throw error
  }
  const url = `redis://${nodes.slice(0, MASTERS).map(({ port }) => `127.0.0.1:${port}`)}`
  return { url, nodes, masters, close }
}
