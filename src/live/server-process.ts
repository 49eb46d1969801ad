/** A chat server as a process of its own, forked by the supervisor: told everything over IPC, to the hub over descriptor 4. */
import { Socket } from 'node:net'
import { ChatServer } from '../chat/server.ts'
import type { FromServer, ServerReport, ToServer } from './messages.ts'

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
let lastCpu = process.cpuUsage()
let lastLoop = performance.eventLoopUtilization()
let lastReport = performance.now()

function report(server: ChatServer): ServerReport {
  const now = performance.now()
  const cpu = process.cpuUsage(lastCpu)
  const loop = performance.eventLoopUtilization(lastLoop)
  const elapsedMs = now - lastReport
  lastCpu = process.cpuUsage()
  lastLoop = performance.eventLoopUtilization()
  lastReport = now
  const latency = server.takeLatency()
  const ms = (q: number) => latency.quantile(q) * 1000
  return {
    ...server.stats,
    taken,
    loopSeconds: lastLoop.active / 1000,
    cpu: (cpu.user + cpu.system) / 1000 / elapsedMs,
    memoryBytes: process.memoryUsage.rss(),
    eventLoopUtilization: loop.utilization,
    latencyP50Ms: ms(0.5),
    latencyP95Ms: ms(0.95),
    latencyP99Ms: ms(0.99),
  }
}

async function start({ server, options }: ToServer & { type: 'start' }): Promise<void> {
  const hub = new Socket({ fd: HUB_DESCRIPTOR, readable: true, writable: true })
  const started = await ChatServer.start(server, hub, options, () => process.exit(leaving ? 0 : 1))
  chat = started
  tell({ type: 'ready' })
  setInterval(() => tell({ type: 'report', ...report(started) }), REPORT_MS)
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
      chat?.rebalance(message.count, message.to, message.seconds)
      return
    case 'drain':
      if (chat && !leaving) void leave(chat.drain(message.seconds))
      return
    case 'stop':
      if (!leaving) void leave(Promise.resolve())
  }
})
