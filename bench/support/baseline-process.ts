/** What others do: `baseline-process.ts ws | ws-frame-once | socket.io | raw <frames a write>`; prints its port. */
import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { Server as SocketIo } from 'socket.io'
import { type WebSocket, WebSocketServer } from 'ws'
import { textFrame } from '../../src/chat/session/frame.ts'

const [kind, framesAWrite = '10'] = process.argv.slice(2)
const frames = Number(framesAWrite)
const http = createServer()
const rooms = new Map<string, { seq: number; members: Set<WebSocket>; sockets: Set<Socket> }>()
const roomOf = (name: string) => {
  let room = rooms.get(name)
  if (!room) {
    room = { seq: 0, members: new Set(), sockets: new Set() }
    rooms.set(name, room)
  }
  return room
}
type Said = { type: string; room: string; id: string; body: string }
const next = ({ room, id, body }: Said) => {
  const seq = ++roomOf(room).seq
  return { type: 'message', room, seq, prevSeq: seq - 1, user: 'somebody', id, body, time: Date.now() }
}

if (kind === 'socket.io') {
  const io = new SocketIo(http, { transports: ['websocket'], perMessageDeflate: false })
  io.on('connection', (socket) => {
    socket.on('join', (room: string) => void socket.join(room))
    socket.on('send', (said: Said) => io.to(said.room).emit('message', next(said)))
  })
} else {
  const wss = new WebSocketServer({ server: http, perMessageDeflate: false })
  wss.on('connection', (socket, { socket: stream }) => {
    socket.on('message', (data) => {
      const said = JSON.parse(String(data)) as Said
      if (said.type === 'hello') {
        socket.send('{"type":"welcome"}')
        return
      }
      const room = roomOf(said.room)
      if (said.type === 'join') {
        room.members.add(socket)
        room.sockets.add(stream)
        return
      }
      const text = JSON.stringify(next(said))
      if (kind === 'ws') {
        for (const member of room.members) member.send(text)
      } else if (kind === 'ws-frame-once') {
        const frame = textFrame(Buffer.from(text))
        for (const member of room.sockets) member.write(frame)
      } else if (Number(said.id.split('-')[1]) % frames === 0) {
        // The limit: nothing but writing that many ready frames to each socket at once.
        const frame = textFrame(Buffer.from(text))
        const all = Buffer.concat(Array.from({ length: frames }, () => frame))
        for (const member of room.sockets) member.write(all)
      }
    })
  })
}
process.on('SIGTERM', () => process.exit(0))
process.on('disconnect', () => process.exit(1))
http.listen(0, '127.0.0.1', () => process.send!({ port: (http.address() as AddressInfo).port }))
