import { expect, it } from 'vitest'
import { asksForWebSocket, MAX_HEAD_BYTES, parseHead } from './http-head.ts'

const UPGRADE =
  'GET /chat?room=a HTTP/1.1\r\nHost: here\r\nUpgrade: WebSocket\r\nX-Two: 1\r\nx-two:  2 \r\n\r\n'

it('reads a head, whatever pieces it comes in, and knows where it ends', () => {
  const bytes = Buffer.from(`${UPGRADE}rest`)
  for (let n = 0; n < UPGRADE.length; n++)
    expect(parseHead(bytes.subarray(0, n))).toEqual({ kind: 'incomplete' })
  const parsed = parseHead(bytes)
  expect(parsed).toMatchObject({
    kind: 'head',
    length: UPGRADE.length,
    head: { method: 'GET', url: '/chat?room=a' },
  })
  if (parsed.kind !== 'head') return
  expect({ ...parsed.head.headers }).toEqual({ host: 'here', upgrade: 'WebSocket', 'x-two': '1, 2' })
  expect(asksForWebSocket(parsed.head)).toBe(true)
})

it.each([
  ['another version', 'GET / HTTP/2.0\r\nHost: a\r\n\r\n'],
  ['no host', 'GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n'],
  ['two hosts', 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n'],
  ['a folded header', 'GET / HTTP/1.1\r\nHost: a\r\n b: c\r\n\r\n'],
  ['a space before the colon', 'GET / HTTP/1.1\r\nHost : a\r\n\r\n'],
  ['an absolute address', 'GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['another protocol altogether', '\u0016\u0003\u0001\r\n\r\n'],
])('rejects %s', (_, text) => {
  expect(parseHead(Buffer.from(text, 'latin1'))).toEqual({ kind: 'bad', status: '400 Bad Request' })
})

it('gives up on a head that is too long', () => {
  const long = Buffer.alloc(MAX_HEAD_BYTES + 1, 'a')
  expect(parseHead(long)).toMatchObject({ kind: 'bad', status: '431 Request Header Fields Too Large' })
})

it('reads no name of the prototype as a header', () => {
  const parsed = parseHead(Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n__proto__: x\r\nconstructor: y\r\n\r\n'))
  expect(parsed.kind).toBe('head')
  if (parsed.kind === 'head')
    expect(Object.keys(parsed.head.headers)).toEqual(['host', '__proto__', 'constructor'])
})
