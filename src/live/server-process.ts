/** A chat server as a process of its own, forked by the supervisor: commands come over IPC, the hub is at descriptor 4. */
import { Socket } from 'node:net'
import { roomPlacement } from '../balancing/room-placement.ts'
import type { ChatOptions } from '../chat/options.ts'
import { ChatServer } from '../chat/server.ts'
import { answerOnSocket } from '../chat/sse/requests.ts'
import type { AccessEntry } from '../http/access-log.ts'
import { asksForWebSocket } from '../http/http-head.ts'
import { type RawSocket, streamOf } from '../http/raw-socket.ts'
import type { SpanBuffer } from '../telemetry/span-buffer.ts'
import type { Sampling } from '../telemetry/tracer.ts'
import { receiveHandles } from './handle-channel.ts'
import type { FromServer, ToServer } from './messages.ts'
import { type Handlers, onMessages } from './on-messages.ts'
import { ReportMeter } from './report-meter.ts'

const HUB_DESCRIPTOR = 4
const REPORT_MS = 250
/** Connections of one report that are logged. */
const MAX_ENDED = 10_000

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
  /** Users whom it still has are served until they have moved. */
  | { readonly kind: 'leaving'; readonly chat: ChatServer | undefined }

let life: Life = { kind: 'waiting' }
/** Sockets accepted so far. */
let accepted = 0
/** Connections that ended since the last report, where they are logged; those above the bound are not. */
let ended: AccessEntry[] = []
/** Where messages are traced. */
let spans: SpanBuffer | undefined
const meter = new ReportMeter()
/** What came to hold while it started. */
let configured: ChatOptions | undefined
const nextHandle = receiveHandles()
/** Sockets that came in this turn of the event loop. */
let arrived: (ToServer & { type: 'socket' } & { raw: RawSocket })[] = []

/** Accepts the sockets of a turn. The supervisor must know before the first byte is written: it hands them to others when this process dies. */
function accept(): void {
  const sockets = arrived
  arrived = []
  const tickets = sockets.map(({ ticket }) => ticket)
  if (life.kind !== 'serving') {
    for (const { raw } of sockets) raw.close()
    send({ type: 'rejected', tickets })
    return
  }
  const { chat } = life
  send({ type: 'accepted', tickets }, () => {
    for (const { request, rest, raw, ip } of sockets) {
      accepted++
      const socket = streamOf(raw)
      if (asksForWebSocket(request)) chat.accept(request, socket, Buffer.from(rest, 'base64'), ip)
      else chat.acceptStream(request, answerOnSocket(socket, request.headers.origin), ip)
    }
  })
}

async function startTracing(sampling: Sampling) {
  const [{ Tracer }, { SpanBuffer }] = await Promise.all([
    import('../telemetry/tracer.ts'),
    import('../telemetry/span-buffer.ts'),
  ])
  spans = new SpanBuffer()
  return new Tracer(sampling, spans)
}

async function start({ server, options, access, sampling }: ToServer & { type: 'start' }): Promise<void> {
  const hub = new Socket({ fd: HUB_DESCRIPTOR, readable: true, writable: true })
  const onHubGone = () => process.exit(life.kind === 'leaving' ? 0 : 1)
  const tracer = sampling && (await startTracing(sampling))
  const chat = await ChatServer.start(server, hub, options, onHubGone, tracer)
  if (life.kind !== 'waiting') {
    await chat.close()
    return
  }
  life = { kind: 'serving', chat }
  if (configured) chat.configure(configured)
  chat.warnings.subscribe((message) => send({ type: 'warning', message }))
  if (access) chat.onAccess = (entry) => void (ended.length < MAX_ENDED && ended.push(entry))
  send({ type: 'ready' })
  setInterval(() => {
    send({ type: 'report', ...meter.report(chat, accepted) })
    reportEnded()
  }, REPORT_MS)
}

/** For the access log and for traces. */
function reportEnded(): void {
  const entries = ended
  ended = []
  if (entries.length > 0) send({ type: 'access', entries })
  const traced = spans?.drain()
  if (traced) send({ type: 'spans', ...traced })
}

async function post({ ticket, id, post }: ToServer & { type: 'post' }): Promise<void> {
  const chat = life.kind === 'waiting' ? undefined : life.chat
  const status = (await chat?.post(id, post)) ?? 404
  send({ type: 'posted', ticket, status })
}

/** @param drainSeconds over which users are moved away first */
async function leave(drainSeconds?: number): Promise<void> {
  if (life.kind === 'leaving') return
  const chat = life.kind === 'serving' ? life.chat : undefined
  life = { kind: 'leaving', chat }
  if (drainSeconds !== undefined) await chat?.drain(drainSeconds)
  await chat?.close()
  setTimeout(reportEnded, 25)
  // What was written to sockets and to the hub has left when they are closed; nothing else is awaited.
  setTimeout(() => process.exit(0), 50)
}

const handlers: Handlers<ToServer> = {
  start: (message) => void start(message),
  socket(message, socket) {
    const raw = nextHandle(socket)
    if (!raw) {
      send({ type: 'rejected', tickets: [message.ticket] })
      return
    }
    if (arrived.length === 0) setImmediate(accept)
    arrived.push({ ...message, raw })
  },
  post: (message) => void post(message),
  configure({ options }) {
    if (life.kind === 'serving') life.chat.configure(options)
    else configured = options // it is not ready yet
  },
  rebalance({ count, to, seconds }) {
    if (life.kind === 'serving') life.chat.rebalance(count, { to }, seconds)
  },
  'follow-rooms'({ strategy, servers, count, seconds }) {
    if (life.kind === 'serving') life.chat.followRooms(roomPlacement(strategy, servers), count, seconds)
  },
  drain({ seconds }) {
    if (life.kind === 'serving') void leave(seconds)
  },
  stop: () => void leave(),
}
onMessages<ToServer>(process, handlers)
