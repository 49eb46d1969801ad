import { createServer } from 'node:http'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { notFound } from '../src/live/control-http.ts'
import { Supervisor } from '../src/live/supervisor.ts'
import { AutoScaler } from '../src/scaling/auto-scaler.ts'
import { RawUser } from './support/chat.ts'
import { clientFrame, closeFrame, type FrameOptions, OP, RawSocket, text } from './support/raw-websocket.ts'

/** RFC 6455 as a client sees it, through the gateway, to a real server process. */

let supervisor: Supervisor
let url: string
beforeAll(async () => {
  const policy = { name: 'one', evaluate: () => ({ servers: 1, reason: 'one is enough' }) }
  supervisor = new Supervisor(
    {
      gateway: { port: 0, connectionsPerSecond: 10_000, connectionBurst: 10_000 },
      autoScaler: new AutoScaler({ policy, minServers: 1, maxServers: 1, interval: 0.2 }),
      chat: { auth: { anonymous: true } },
    },
    createServer(notFound),
  )
  url = `ws://127.0.0.1:${await supervisor.start()}/chat`
  supervisor.run()
  await vi.waitUntil(() => supervisor.fleet.ready.length === 1, 60_000)
}, 60_000)
afterAll(() => supervisor.stop())

const HELLO = JSON.stringify({ type: 'hello', version: 1, user: 'raw' })
const hello = text(HELLO)
const part = (opcode: number, payload: string | Buffer, options: FrameOptions = {}) =>
  clientFrame(opcode, payload, { fin: false, ...options })

/** What comes back for these frames, sent in one packet with the request to upgrade. */
async function answers(frames: readonly Buffer[], count = 2): Promise<string> {
  const raw = await RawSocket.open(url, frames)
  const seen = await raw.until(count)
  const ended = raw.socket.closed ? ' ended' : ''
  raw.socket.destroy()
  return seen + ended
}

describe('frames', () => {
  it.each<[string, Buffer[], RegExp]>([
    ['a whole message', [hello], /^welcome$/],
    [
      'three fragments',
      [part(1, HELLO.slice(0, 5)), part(0, HELLO.slice(5, 9)), clientFrame(0, HELLO.slice(9))],
      /^welcome$/,
    ],
    [
      'a ping between fragments',
      [part(1, HELLO.slice(0, 5)), clientFrame(OP.ping, 'hi'), clientFrame(0, HELLO.slice(5))],
      /^pong\(2\) welcome$/,
    ],
    ['empty fragments', [part(1, ''), part(0, HELLO), clientFrame(0, '')], /^welcome$/],
    ['a short length in 8 bytes', [clientFrame(1, HELLO, { long: true })], /^welcome$|close1002/],
    ['a binary message', [hello, clientFrame(OP.binary, 'x')], /^welcome error:bad-message$/],
    [
      'junk after hello in one packet',
      [hello, text('junk'), text('{"type":"join","room":"r"}')],
      /^welcome error:bad-message joined/,
    ],
    [
      'junk before hello',
      [text('junk'), hello, text('{"type":"join","room":"r"}')],
      /^error:bad-message close4400$/,
    ],
    ['a request before hello', [text('{"type":"join","room":"r"}'), hello, text('junk')], /^close4401$/],
    ['another version', [text('{"type":"hello","version":9}'), hello], /^rejected:bad-message close4400$/],
    ['an unsolicited pong', [hello, clientFrame(OP.pong, 'q'), text('junk')], /^welcome error:bad-message$/],
    ['a ping of 125 bytes', [hello, clientFrame(OP.ping, 'p'.repeat(125))], /^welcome pong\(125\)$/],
    ['a ping before hello', [clientFrame(OP.ping, 'x')], /^pong\(1\)$/],
    [
      'UTF-8 across fragments',
      [hello, part(1, Buffer.from([0xe2, 0x82])), clientFrame(0, Buffer.from([0xac]))],
      /^welcome error:bad-message$/,
    ],
    [
      '40 kB',
      [
        hello,
        text({ type: 'join', room: 'r' }),
        text({ type: 'send', room: 'r', id: '1', body: 'x'.repeat(40_000) }),
      ],
      /rejected:too-large/,
    ],
    [
      '8,000 escaped control characters',
      [
        hello,
        text({ type: 'join', room: 'r' }),
        text({ type: 'send', room: 'r', id: '2', body: '\u0001'.repeat(8000) }),
      ],
      /ack/,
    ],
  ])('carries out %s', async (_, frames, expected) => {
    expect(await answers(frames, expected.source.includes('joined') ? 3 : 1)).toMatch(expected)
  })

  it('reads a message that comes byte by byte', async () => {
    const raw = await RawSocket.open(url)
    for (const byte of hello) {
      raw.socket.write(Buffer.from([byte]))
      await new Promise(setImmediate)
    }
    expect(await raw.until(1)).toBe('welcome')
    raw.socket.destroy()
  })
})

/** Answers in the order of what was asked: whole messages, fragments, pings, a large one, cut into packets of these sizes. */
it.each([[1], [2, 1, 7], [5, 100], [3000, 4, 700], [100_000]])(
  'answers in order, in packets of %j',
  async (...sizes) => {
    const leave = JSON.stringify({ type: 'leave', room: 'r' })
    const bytes = Buffer.concat([
      hello,
      text({ type: 'ping' }),
      clientFrame(OP.ping, 'hi'),
      text({ type: 'join', room: 'ü', token: 'x'.repeat(5000) }),
      text({ type: 'typing', room: 'r' }),
      part(1, leave.slice(0, 5)),
      clientFrame(OP.pong, ''),
      clientFrame(0, leave.slice(5)),
      text({ type: 'ping' }),
    ])
    const raw = await RawSocket.open(url)
    for (let at = 0, i = 0; at < bytes.length; i++) {
      const size = sizes[i % sizes.length]!
      raw.socket.write(bytes.subarray(at, at + size))
      at += size
      if (i % 64 === 0) await new Promise(setImmediate)
    }
    expect(await raw.until(7)).toBe(
      'welcome pong pong(2) rejected:unauthorized rejected:not-joined left pong',
    )
    raw.socket.destroy()
  },
)

describe('violations', () => {
  const bytes = (...values: number[]) => Buffer.from(values)
  it.each<[string, Buffer, number]>([
    ['a continuation of nothing', clientFrame(0, 'x'), 1002],
    ['a message inside fragments', Buffer.concat([part(1, 'a'), clientFrame(1, 'b')]), 1002],
    ['a ping of 126 bytes', clientFrame(OP.ping, 'p'.repeat(126)), 1002],
    ['a fragmented ping', part(OP.ping, 'p'), 1002],
    ...[1, 2, 4, 7].map((rsv): [string, Buffer, number] => [
      `reserved bits ${rsv}`,
      clientFrame(1, 'x', { rsv }),
      1002,
    ]),
    ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map((op): [string, Buffer, number] => [
      `opcode ${op}`,
      clientFrame(op, 'x'),
      1002,
    ]),
    ['a frame without mask', clientFrame(1, 'x', { masked: false }), 1002],
    ['a surrogate in UTF-8', clientFrame(1, bytes(0xce, 0xba, 0xed, 0xa0, 0x80)), 1007],
    ['an overlong character', clientFrame(1, bytes(0xc0, 0xaf)), 1007],
    ['a character above U+10FFFF', clientFrame(1, bytes(0xf4, 0x90, 0x80, 0x80)), 1007],
    ['half a character', clientFrame(1, bytes(0xe2, 0x82)), 1007],
    ['a length of 2^53', clientFrame(1, 'x', { claims: 2n ** 53n }), 1009],
    ['a frame above the limit', text('x'.repeat(6 * 8192 + 8193)), 1009],
    [
      'fragments above the limit',
      Buffer.concat([part(1, 'x'.repeat(50_000)), clientFrame(0, 'x'.repeat(50_000))]),
      1009,
    ],
    ['a close of one byte', clientFrame(OP.close, 'x'), 1002],
    ['a close reason that is not UTF-8', closeFrame(1000, bytes(0xff)), 1007],
    ['a close of 126 bytes', closeFrame(1000, 'a'.repeat(124)), 1002],
    ...[0, 999, 1004, 1005, 1006, 1015, 1016, 2000, 2999, 5000, 65535].map(
      (code): [string, Buffer, number] => [`close code ${code}`, closeFrame(code), 1002],
    ),
  ])('%s ends the connection, and nothing follows', async (_, frame, code) => {
    const seen = await answers([hello, frame, text({ type: 'join', room: 'r' })])
    expect(seen).toMatch(new RegExp(`^(welcome )?close${code} ended$`))
  })

  it.each([1000, 1001, 1007, 1011, 3000, 3999, 4000, 4999])('answers close %i by the same', async (code) => {
    expect(await answers([hello, closeFrame(code), text('x')])).toMatch(
      new RegExp(`^(welcome )?close${code} ended$`),
    )
  })

  it('leaves the server and everybody else alone', async () => {
    const calm = await RawUser.hello(url, 'calm')
    calm.send({ type: 'join', id: 'j', room: 'r' })
    expect((await calm.until('joined'))[0]).toMatchObject({ id: 'j' })
    calm.socket.close()
    expect(supervisor.failures).toBe(0)
  })
})
