import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { WebSocket } from 'ws'
import { type Rng, seededRng } from '../../src/base/rng.ts'
import { RawUser } from './chat.ts'

const VALID: readonly Record<string, unknown>[] = [
  { type: 'hello', version: 1, user: 'fuzz' },
  { type: 'join', id: '1', room: 'fuzz' },
  { type: 'join', id: '2', room: 'fuzz', cursor: { epoch: 'e', seq: 3 } },
  { type: 'join', id: '3', room: 'fuzz', history: 50 },
  { type: 'leave', id: '4', room: 'fuzz' },
  { type: 'send', id: '5', room: 'fuzz', body: 'b' },
  { type: 'typing', id: '6', room: 'fuzz' },
  { type: 'history', id: '7', room: 'fuzz', before: 10, limit: 5 },
  { type: 'auth', id: '8', token: 't' },
  { type: 'ping', id: '9' },
]
const STRANGE: readonly unknown[] = [
  null,
  true,
  -1,
  0,
  1.5,
  1e308,
  2 ** 53,
  '',
  'x'.repeat(70),
  'x'.repeat(9000),
  [],
  {},
  [[]],
  { epoch: 1, seq: 'x' },
  '__proto__',
  'constructor',
  '\u0000',
  '\ud800',
  '\u2028',
  { toString: 1 },
  { length: 1e9 },
  'guest:x',
]
const KEYS = ['__proto__', 'constructor', 'x', 'room', 'id', 'user', 'seq', 'type', 'cursor']
const CHARACTERS = ['"', '{', '}', '\\', '0', '\u0007', 'é', '']

const pick = <T>(rng: Rng, from: readonly T[]): T => from[Math.floor(rng.next() * from.length)]!

/** A request of the protocol that is a little wrong, or not. */
function mutated(rng: Rng): string {
  const request = structuredClone(pick(rng, VALID))
  for (let changes = Math.floor(rng.next() * 4); changes > 0; changes--) {
    const dice = rng.next()
    const key = pick(rng, Object.keys(request).concat(KEYS))
    if (dice < 0.15) delete request[key]
    else if (dice < 0.3) request.id = `i${Math.floor(rng.next() * 1e6)}`
    else
      Object.defineProperty(request, key, {
        value: pick(rng, STRANGE),
        enumerable: true,
        configurable: true,
        writable: true,
      })
  }
  const text = JSON.stringify(request)
  const dice = rng.next()
  const at = Math.floor(rng.next() * text.length)
  if (dice < 0.15) return text.slice(0, at) + pick(rng, CHARACTERS) + text.slice(at + 1)
  if (dice < 0.18) return text.slice(0, at)
  if (dice < 0.2) return text.replace('{', `{"a":${'['.repeat(2000)}${']'.repeat(2000)},`)
  return text
}

export interface FuzzReport {
  frames: number
  connections: number
  closeCodes: Record<string, number>
  /** Messages of a user who does nothing wrong, all of which must be acknowledged and delivered in order. */
  bystander: { acked: number; delivered: number; inOrder: boolean }
}

/** Sends `frames` mutated requests over many connections, beside a bystander who only chats. */
export async function fuzz(url: string, frames: number, seed: string): Promise<FuzzReport> {
  const rng = seededRng(seed)
  const report: FuzzReport = {
    frames: 0,
    connections: 0,
    closeCodes: {},
    bystander: { acked: 0, delivered: 0, inOrder: true },
  }
  const calm = await RawUser.hello(url, 'calm')
  calm.send({ type: 'join', room: 'calm' })
  await calm.until('joined')
  const attack = async () => {
    while (report.frames < frames) {
      const socket = new WebSocket(url)
      report.connections++
      socket.on('error', () => {})
      const closed = once(socket, 'close').then(([code]) => {
        report.closeCodes[code] = (report.closeCodes[code] ?? 0) + 1
      })
      await Promise.race([once(socket, 'open'), closed])
      if (rng.next() < 0.9) socket.send(JSON.stringify(VALID[0]))
      if (rng.next() < 0.8) socket.send(JSON.stringify(VALID[1]))
      for (let n = 20 + rng.next() * 400; n > 0 && socket.readyState === 1; n--) {
        const text = mutated(rng)
        socket.send(rng.next() < 0.03 ? Buffer.from(text) : text)
        report.frames++
        if (Math.floor(n) % 60 === 0) await sleep(3)
      }
      await sleep(5)
      if (rng.next() < 0.5) socket.terminate()
      else socket.close()
      await Promise.race([closed, sleep(3000).then(() => socket.terminate())])
    }
  }
  let sent = 0
  const chat = async () => {
    while (report.frames < frames) {
      calm.send({ type: 'send', room: 'calm', id: `${++sent}`, body: 'x' })
      await calm.until('ack', sent)
      await sleep(60)
    }
  }
  await Promise.all([chat(), ...Array.from({ length: 8 }, attack)])
  const messages = await calm.until('message', sent)
  calm.socket.terminate()
  report.bystander = {
    acked: calm.of('ack').length,
    delivered: messages.length,
    inOrder: messages.every(
      ({ prevSeq, seq }, i) => seq > prevSeq && prevSeq === (messages[i - 1]?.seq ?? 0),
    ),
  }
  return report
}
