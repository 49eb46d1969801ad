import type { RawClient } from './raw-client.ts'

/** How the clients of a bench talk to a server, ours or another. */
export interface Dialect {
  readonly path: string
  join(client: RawClient, room: string, user: string): void
  send(client: RawClient, room: string, id: string): void
  /** Whether the frame is a delivery. */
  isDelivery(data: Buffer, from: number): boolean
  /** Whether the frame acknowledges a message that was sent; where the server does that. */
  isAck?(data: Buffer, from: number): boolean
  /** The message's id in a delivery. */
  idOf(data: Buffer, from: number, to: number): string
  /** Whether a frame may hold several messages, one a line. */
  readonly lines?: boolean
}

/** A listener for frames that may hold several messages, one a line. */
export const eachLine =
  (onLine: (data: Buffer, from: number, to: number) => void) =>
  (data: Buffer, from: number, to: number): void => {
    for (let at = from; at < to; ) {
      const newline = data.indexOf(10, at)
      const end = newline < 0 || newline > to ? to : newline
      onLine(data, at, end)
      at = end + 1
    }
  }

/** Messages are of about 200 bytes. */
export const BODY = 'x'.repeat(60)

const request = (room: string, id: string) => JSON.stringify({ type: 'send', room, id, body: BODY })

export const json: Dialect = {
  path: '/chat',
  join: (client, room) => client.send(JSON.stringify({ type: 'join', room })),
  send: (client, room, id) => client.send(request(room, id)),
  isDelivery: (data, from) => data[from + 9] === 109, // {"type":"m
  idOf: (data, from, to) => (JSON.parse(data.toString('utf8', from, to)) as { id: string }).id,
}

export const concertina: Dialect = {
  ...json,
  join: (client, room, user) => {
    client.send(JSON.stringify({ type: 'hello', version: 1, user }))
    json.join(client, room, user)
  },
  isAck: (data, from) => data.toString('latin1', from + 9, from + 12) === 'ack', // {"type":"ack
}

export const socketIo: Dialect = {
  path: '/socket.io/?EIO=4&transport=websocket',
  join: (client, room) => {
    client.send('40')
    setTimeout(() => client.send(`42["join","${room}"]`), 200)
  },
  send: (client, room, id) => client.send(`42["send",${request(room, id)}]`),
  isDelivery: (data, from) => data[from] === 52 && data[from + 1] === 50, // 42
  idOf: (data, from, to) => json.idOf(data, from + '42["message",'.length, to - 1),
}

export const centrifugo: Dialect = {
  path: '/connection/websocket',
  join: (client, room) => {
    client.send('{"id":1,"connect":{}}')
    client.send(`{"id":2,"subscribe":{"channel":"${room}"}}`)
  },
  send: (client, room, id) =>
    client.send(`{"id":3,"publish":{"channel":"${room}","data":${request(room, id)}}}`),
  isAck: (data, from) => data[from + 6] === 51, // {"id":3
  // {"push":{"channel":"…","pub":{…: a message, not who came
  isDelivery: (data, from) => {
    if (data[from + 2] !== 112) return false
    const channelEnd = data.indexOf(34, from + '{"push":{"channel":"'.length)
    return data[channelEnd + 3] === 112 && data[channelEnd + 4] === 117
  },
  idOf: (data, from, to) =>
    (JSON.parse(data.toString('utf8', from, to)) as { push: { pub: { data: { id: string } } } }).push.pub.data
      .id,
  lines: true,
}
