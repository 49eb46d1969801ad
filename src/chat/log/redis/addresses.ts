import { invalidInput } from '../../../base/errors.ts'

export interface Address {
  readonly host: string
  readonly port: number
}

/** `redis://user:password@host:6379/0`; several hosts by commas are nodes of a Redis Cluster. */
export function addressesOf(url: string) {
  const tls = url.startsWith('rediss://')
  const rest = url.replace(/^rediss?:\/\//, '')
  const at = rest.lastIndexOf('@')
  const [hosts = '', db] = rest.slice(at + 1).split('/')
  const [username, password] = at < 0 ? [] : rest.slice(0, at).split(':').map(decodeURIComponent)
  const addresses = hosts.split(',').map((each): Address => {
    const { hostname, port } = new URL(`http://${each}`)
    return { host: hostname || '127.0.0.1', port: port === '' ? 6379 : Number(port) }
  })
  const options = {
    ...(username ? { username } : {}),
    ...(password !== undefined ? { password } : {}),
    ...(db ? { db: Number(db) } : {}),
    ...(tls ? { tls: {} } : {}),
  }
  return { addresses, options }
}

/**
 * Whether the server that answered with this `INFO cluster` is a node of a Redis Cluster.
 * @throws {ConcertinaError} INVALID_INPUT when that does not fit to the address.
 */
export function isClusterNode(info: string, addresses: readonly Address[], db = 0): boolean {
  const isNode = /^cluster_enabled:1/m.test(info)
  if (!isNode && addresses.length > 1)
    throw invalidInput(
      'broker',
      'several addresses are nodes of a Redis Cluster, and this server has cluster mode off',
      'one address, or a server with cluster-enabled yes',
    )
  if (isNode && db !== 0) throw invalidInput('broker', `a Redis Cluster has no database ${db}`, '0, or none')
  return isNode
}
