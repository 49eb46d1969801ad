import { once } from 'node:events'
import { get } from 'node:http'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

const CHECK_MS = 200

interface Upstream {
  readonly host: string
  readonly port: number
  healthy: boolean
}

/** A platform's load balancer: round robin over whole connections to those that answer `/readyz` with 200; knows no targets. */
export async function startBalancer() {
  const upstreams = new Map<string, Upstream>()
  const sockets = new Set<Socket>()
  let turn = 0
  const server = createServer((client) => {
    const healthy = [...upstreams.values()].filter((each) => each.healthy)
    const upstream = healthy[turn++ % healthy.length]
    if (!upstream) {
      client.destroy()
      return
    }
    const far = connect(upstream.port, upstream.host)
    for (const [one, other] of [
      [client, far],
      [far, client],
    ] as const) {
      sockets.add(one)
      one.on('error', () => {})
      one.on('close', () => {
        sockets.delete(one)
        other.destroy()
      })
      one.pipe(other)
    }
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const check = (upstream: Upstream) => {
    const request = get(
      { host: upstream.host, port: upstream.port, path: '/readyz', timeout: CHECK_MS * 5, agent: false },
      (response) => {
        response.resume()
        upstream.healthy = response.statusCode === 200
      },
    )
    request.on('timeout', () => request.destroy())
    request.on('error', () => {
      upstream.healthy = false
    })
  }
  const timer = setInterval(() => {
    for (const upstream of upstreams.values()) check(upstream)
  }, CHECK_MS)
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/chat`,
    add(port: number, host = '127.0.0.1') {
      const name = `${host}:${port}`
      if (!upstreams.has(name)) upstreams.set(name, { host, port, healthy: true })
    },
    remove(port: number, host = '127.0.0.1') {
      upstreams.delete(`${host}:${port}`)
    },
    close() {
      clearInterval(timer)
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}
