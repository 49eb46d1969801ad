import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { ServerMessage } from '../../protocol/messages.ts'
import type { Session } from './session.ts'
import { SessionMoves } from './session-moves.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** Users with their rooms on server 1; the number in the name of a room is that of its server. */
function usersIn(...rooms: string[][]) {
  const asked: (ServerMessage | undefined)[] = rooms.map(() => undefined)
  const sessions = rooms.map((each, i) => {
    const send = (message: ServerMessage) => {
      asked[i] = message
    }
    return { rooms: each, send } as Partial<Session> as Session
  })
  const moves = new SessionMoves(new Set(sessions))
  const follow = (count: number, free = 100) =>
    moves.follow((room) => ({ id: Number(room.at(-1)), free }), 1, count, 1)
  const targets = () => asked.map((message) => (message?.type === 'move' ? message.to : undefined))
  return { follow, targets }
}

it('asks users to follow the room that they joined first, unless one of their rooms is here', () => {
  const { follow, targets } = usersIn(['a1'], ['b2'], ['c3', 'b2'], ['b2', 'a1'], [])
  expect(follow(10)).toBe(2)
  expect(targets()).toEqual([undefined, 2, 3, undefined, undefined])
})

it('asks the members of a room together, and no more than are allowed', () => {
  const { follow, targets } = usersIn(['b2'], ['c3'], ['b2'], ['c3'])
  expect(follow(2)).toBe(2)
  expect(targets()).toEqual([2, undefined, 2, undefined])
})

it('asks no more than a server has places for, nor those again who are on their way', () => {
  const { follow, targets } = usersIn(['b2'], ['b2'], ['c3'])
  expect(follow(10, 1)).toBe(2)
  expect(targets()).toEqual([2, undefined, 3])
  vi.advanceTimersByTime(1000)
  expect(follow(10, 1)).toBe(1)
  expect(targets()).toEqual([2, 2, 3])
  expect(follow(10, 0)).toBe(0)
})

it('asks the others before those who did not go', () => {
  const { follow, targets } = usersIn(['b2'], ['b2'], ['c3'], ['c3'])
  expect(follow(2)).toBe(2)
  expect(targets()).toEqual([2, 2, undefined, undefined])
  vi.advanceTimersByTime(10_000)
  expect(follow(2)).toBe(2)
  expect(targets()).toEqual([2, 2, 3, 3])
})
