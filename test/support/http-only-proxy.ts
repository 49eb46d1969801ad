import { once } from 'node:events'
import { Agent, createServer, request as httpRequest } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import type { Duplex } from 'node:stream'

/**
 * A proxy that passes requests and no upgrades, as those of some companies do. It keeps its connections to the servers, and gives
 * each request to the next of them; or none, with `keepAlive: false`. With `passUpgrades` it is as if its network had been left.
 */
export async function startHttpOnlyProxy(
  ports: () => readonly number[],
  { keepAlive = true, forwardedFor = '' } = {},
) {
  const agent = new Agent({ keepAlive })
  let turn = 0
  const counts = { upgrades: 0, streams: 0, posts: 0 }
  const state = { passUpgrades: false }
  const upgraded = new Set<Duplex>()
  const server = createServer((incoming, response) => {
    if (incoming.method === 'POST') counts.posts++
    else counts.streams++
    const all = ports()
    const { url: path = '/', method } = incoming
    const headers = { ...incoming.headers, ...(forwardedFor && { 'x-forwarded-for': forwardedFor }) }
    const outgoing = httpRequest(
      { host: '127.0.0.1', port: all[turn++ % all.length], path, method, headers, agent },
      (answer) => {
        response.writeHead(answer.statusCode!, answer.headers)
        response.flushHeaders()
        answer.pipe(response)
        answer.on('error', () => response.destroy())
        answer.on('close', () => answer.complete || response.destroy())
      },
    )
    outgoing.on('error', () => response.destroy())
    response.on('close', () => outgoing.destroy())
    incoming.pipe(outgoing)
  })
  server.on('upgrade', ({ url, rawHeaders }, socket) => {
    counts.upgrades++
    if (state.passUpgrades) {
      const far = connect(ports()[0]!, '127.0.0.1')
      const lines = rawHeaders.map((text, i) => (i % 2 === 0 ? `${text}: ` : `${text}\r\n`))
      far.write(`GET ${url} HTTP/1.1\r\n${lines.join('')}\r\n`)
      socket.pipe(far).pipe(socket)
      upgraded.add(far)
      for (const [one, other] of [
        [socket, far],
        [far, socket],
      ] as const)
        one.on('error', () => {}).on('close', () => other.destroy())
      return
    }
    socket.end('HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    counts,
    state,
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/chat`,
    /** Breaks every WebSocket. */
    cut() {
      for (const far of upgraded) far.destroy()
    },
    close() {
      for (const far of upgraded) far.destroy()
      server.closeAllConnections()
      server.close()
      agent.destroy()
    },
  }
}
