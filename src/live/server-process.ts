/** A chat server as a process of its own, forked by the supervisor: commands come over IPC, the hub is at descriptor 4. */
import { Socket } from 'node:net'
import { ChatServer } from '../chat/server.ts'
import type { FromServer, ToServer } from './messages.ts'
import { ReportMeter } from './report-meter.ts'

const HUB_DESCRIPTOR = 4
const REPORT_MS = 250

const send = (message: FromServer, done?: () => void) => {
  if (process.connected) process.send!(message, undefined, {}, () => done?.())
}

// Signals of a terminal reach every process of its group; the supervisor alone decides.
process.on('SIGINT', () => {})
process.on('SIGTERM', () => {})
process.on('disconnect', () => process.exit(1))

/** A server's life: it loads, or waits as a spare; serves; and leaves, never to serve again. */
type Life =
  | { readonly kind: 'waiting' }
  | { readonly kind: 'serving'; readonly chat: ChatServer }
  | { readonly kind: 'leaving' }

let life: Life = { kind: 'waiting' }
/** Sockets accepted so far. */
let taken = 0
const meter = new ReportMeter()

async function start({ server, options }: ToServer & { type: 'start' }): Promise<void> {
  const hub = new Socket({ fd: HUB_DESCRIPTOR, readable: true, writable: true })
  const chat = await ChatServer.start(server, hub, options, () =>
    process.exit(life.kind === 'leaving' ? 0 : 1),
  )
  if (life.kind !== 'waiting') {
    await chat.close()
    return
  }
  life = { kind: 'serving', chat }
  send({ type: 'ready' })
  setInterval(() => send({ type: 'report', ...meter.report(chat, taken) }), REPORT_MS)
}

/** @param drainSeconds over which users are moved away first */
async function leave(drainSeconds?: number): Promise<void> {
  if (life.kind === 'leaving') return
  const chat = life.kind === 'serving' ? life.chat : undefined
  life = { kind: 'leaving' }
  if (drainSeconds !== undefined) await chat?.drain(drainSeconds)
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
      if (life.kind !== 'serving') {
        raw.close()
        send({ type: 'declined', ticket })
        return
      }
      const { chat } = life
      // The supervisor must know before the first byte is written: it hands the socket to another server when this one dies.
      send({ type: 'took', ticket }, () => {
        taken++
        const socket = new Socket({ handle: raw, readable: true, writable: true } as object)
        socket.setNoDelay(true)
        chat.accept(request, socket, Buffer.from(rest, 'base64'))
      })
      return
    }
    case 'rebalance':
      if (life.kind === 'serving') life.chat.rebalance(message.count, { to: message.to }, message.seconds)
      return
    case 'drain':
      if (life.kind === 'serving') void leave(message.seconds)
      return
    case 'stop':
      void leave()
  }
})
