import { createSocket } from 'node:dgram'
import { once } from 'node:events'

const A_RECORD = 1

/** A name server on loopback that knows the addresses of a few names, as that of a container engine does. */
export async function startNameServer(addressesOf: (name: string) => readonly string[]) {
  const socket = createSocket('udp4')
  socket.on('message', (query, { address, port }) => {
    const labels: string[] = []
    let at = 12
    for (; query[at] !== 0; at += query[at]! + 1)
      labels.push(query.toString('latin1', at + 1, at + 1 + query[at]!))
    const question = query.subarray(12, at + 5)
    const known = query.readUInt16BE(at + 1) === A_RECORD ? addressesOf(labels.join('.')) : []
    const header = Buffer.from([query[0]!, query[1]!, 0x81, 0x80, 0, 1, 0, known.length, 0, 0, 0, 0])
    // Each answer: the name of the question, type A, class IN, a second to live, four bytes.
    const answers = known.map((ip) =>
      Buffer.from([0xc0, 12, 0, A_RECORD, 0, 1, 0, 0, 0, 1, 0, 4, ...ip.split('.').map(Number)]),
    )
    socket.send(Buffer.concat([header, question, ...answers]), port, address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return { address: `127.0.0.1:${socket.address().port}`, close: () => socket.close() }
}
