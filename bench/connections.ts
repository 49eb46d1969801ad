/**
 * Memory of an idle connection: `npm run bench:connections -- [connections]`. Resident memory of all processes (of ours: the
 * supervisor and one chat server), just after the connections came and a minute later, when V8 has given back what it needed for
 * that; and the system's memory for sockets (Linux: slab and TCP buffers, of both ends, halved).
 */
import { readFileSync } from 'node:fs'
import { residentBytes, sleep, start, stop, withServers } from './support/processes.ts'
import { RawClient } from './support/raw-client.ts'

const [connections = 10_000] = process.argv.slice(2).map(Number)

function kernelBytes(): number {
  const slab = Number(/Slab:\s+(\d+) kB/.exec(readFileSync('/proc/meminfo', 'utf8'))![1]) * 1024
  const pages = Number(/TCP: .* mem (\d+)/.exec(readFileSync('/proc/net/sockstat', 'utf8'))?.[1] ?? 0)
  return slab + pages * 4096
}

for (const [name, module, args] of [
  ['Concertina', 'support/fleet-process.ts', ['1']],
  ['ws', 'support/baseline-process.ts', ['ws']],
  ['Socket.IO', 'support/baseline-process.ts', ['socket.io']],
] as const) {
  const { child, first } = await start<{ port: number }>(module, args)
  const clients: RawClient[] = []
  try {
    await sleep(1)
    const pids = withServers(child.pid!)
    const resident = () => pids.map(residentBytes)
    const [before, kernel] = [resident(), kernelBytes()]
    const path = name === 'Socket.IO' ? '/socket.io/?EIO=4&transport=websocket' : '/chat'
    for (let i = 0; i < connections; i += 100) {
      const some = await Promise.all(Array.from({ length: 100 }, () => RawClient.open(first.port, path)))
      for (const [n, client] of some.entries()) {
        if (name === 'Concertina') {
          client.send(JSON.stringify({ type: 'hello', version: 1, user: `user ${i + n}` }))
          client.send(JSON.stringify({ type: 'join', room: `room ${Math.floor((i + n) / 100)}` }))
        }
        if (name === 'Socket.IO') client.send('40')
        if (name === 'ws')
          client.send(JSON.stringify({ type: 'join', room: `room ${Math.floor((i + n) / 100)}`, id: '' }))
      }
      clients.push(...some)
    }
    await sleep(3)
    const perConnection = (bytes: number) => `${(bytes / connections / 1024).toFixed(1)} KiB`
    const grown = () => {
      const each = resident().map((bytes, i) => bytes - before[i]!)
      const parts = each.length > 1 ? ` (${each.map(perConnection).join(' + ')})` : ''
      return `${perConnection(each.reduce((a, b) => a + b))}${parts}`
    }
    const ofKernel = perConnection((kernelBytes() - kernel) / 2)
    const early = grown()
    await sleep(60)
    console.log(
      `${name.padEnd(12)} ${connections} connections, each: ${grown()} of all processes; ${early} just after they came; ${ofKernel} of the kernel`,
    )
  } finally {
    for (const client of clients) client.close()
    await stop(child)
    await sleep(1)
  }
}
