/** A chat server as a process of its own, forked by the supervisor: told everything over IPC, to the hub over descriptor 4. */
import { Socket } from 'node:net'
import { ChatServer } from '../chat/server.ts'
import type { FromServer, ToServer } from './messages.ts'
import { ReportMeter } from './report-meter.ts'

const HUB_DESCRIPTOR = 4
const REPORT_MS = 250

const tell = (message: FromServer, done?: () => void) => {
  if (process.connected) process.send!(message, undefined, {}, () => done?.())
}

// Signals of a terminal reach every process of its group; the supervisor alone decides.
process.on('SIGINT', () => {})
process.on('SIGTERM', () => {})
process.on('disconnect', () => process.exit(1))

let chat: ChatServer | undefined
let taken = 0
let leaving = false
const meter = new ReportMeter()

async function start({ server, options }: ToServer & { type: 'start' }): Promise<void> {
  const hub = new Socket({ fd: HUB_DESCRIPTOR, readable: true, writable: true })
  const started = await ChatServer.start(server, hub, options, () => process.exit(leaving ? 0 : 1))
  chat = started
  tell({ type: 'ready' })
  setInterval(() => tell({ type: 'report', ...meter.report(started, taken) }), REPORT_MS)
}

async function leave(how: Promise<void>): Promise<void> {
  leaving = true
  await how
  await chat?.close()
  // What was written to sockets and to the hub has left when they are closed; nothing else is awaited.
  setTimeout(() => process.exit(0), 50)
}

process.on('message', (message: ToServer, handle: unknown) => {
  switch (message.type) {
    case 'start':
      void start(message)
      return
    case 'socket': {
      const { ticket, request, rest } = message
      const raw = handle as { close(): void } | undefined
      if (!raw) return
      if (!chat || leaving) {
        raw.close()
        tell({ type: 'declined', ticket })
        return
      }
      const server = chat
      // The supervisor must know before the first byte is written: it hands the socket to another server when this one dies.
      tell({ type: 'took', ticket }, () => {
        taken++
        const socket = new Socket({ handle: raw, readable: true, writable: true } as object)
        socket.setNoDelay(true)
        server.accept(request, socket, Buffer.from(rest, 'base64'))
      })
      return
    }
    case 'rebalance':
      chat?.rebalance(message.count, { to: message.to }, message.seconds)
      return
    case 'drain':
      if (chat && !leaving) void leave(chat.drain(message.seconds))
      return
    case 'stop':
      if (!leaving) void leave(Promise.resolve())
  }
})
