import { afterEach, describe, expect, it } from 'vitest'
import type { FleetSnapshot } from '../src/control/control-target.ts'
import { adminFleet } from './support/admin-fleet.ts'

const TOKEN = 'a control token of this test'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

async function fleet() {
  const made = await adminFleet(TOKEN)
  closers.push(() => made.close())
  expect(await made.ask('GET', 'api/chat/rooms')).toMatchObject({
    status: 503,
    body: { code: 'LOG_UNAVAILABLE', message: expect.stringContaining('starting') },
  })
  await made.start()
  return made
}

describe('the control API of a chat', () => {
  it('reads rooms and users, deletes, mutes and disconnects, and notes who did it', async () => {
    const { ask, user, logged } = await fleet()
    const [ann, eve] = await Promise.all([user('ann', 'lobby'), user('eve', 'lobby')])
    const { seq } = await eve.send('lobby', 'buy now')
    await expect
      .poll(async () => (await ask('GET', 'api/chat/rooms?order=members')).body)
      .toEqual({ rooms: [{ room: 'lobby', members: 2 }], total: 1 })
    expect((await ask('GET', 'api/chat/talkers')).body.talkers).toEqual([
      { user: 'eve', messages: 1, room: 'lobby' },
    ])
    expect((await ask('DELETE', `api/chat/rooms/lobby/messages/${seq}`)).status).toBe(200)
    const { messages } = (await ask('GET', 'api/chat/rooms/lobby/messages')).body
    expect(messages[0]).toMatchObject({ user: 'eve', deleted: true })
    expect(JSON.stringify(messages)).not.toContain('buy now')
    await ask('POST', 'api/chat/users/eve/mute', { seconds: 600, reason: 'advertising' })
    await expect(eve.send('lobby', 'again')).rejects.toThrow()
    expect((await ask('GET', 'api/chat/users/eve')).body.mute).toMatchObject({ reason: 'advertising' })
    await ask('DELETE', 'api/chat/users/eve/mute')
    await eve.send('lobby', 'sorry')
    await ask('POST', 'api/chat/users/eve/ban', { seconds: 600 })
    await expect.poll(() => eve.state).toBe('closed')
    expect(ann.state).toBe('open')
    expect(logged.filter(({ audit }) => audit).map(({ key, path }) => `${key} ${path}`)).toEqual([
      `control /api/chat/rooms/lobby/messages/${seq}`,
      'control /api/chat/users/eve/mute',
      'control /api/chat/users/eve/mute',
      'control /api/chat/users/eve/ban',
    ])
  })

  it('needs the control token, publishes nothing, and opens no server API to keys', async () => {
    const { ask, url } = await fleet()
    expect((await fetch(`${url}api/chat/rooms`)).status).toBe(401)
    expect((await ask('POST', 'api/chat/rooms/r/messages', { body: 'x', user: 'ann' })).status).toBe(403)
    expect((await ask('GET', 'api/chat/nothing')).status).toBe(404)
    expect((await fetch(`${url}v1/rooms`)).status).toBe(404)
    const { paths } = (await ask('GET', 'openapi.json')).body
    expect(Object.keys(paths['/api/chat/users/{user}/ban'])).toEqual(['post', 'delete'])
    expect(paths['/api/chat/rooms/{room}/messages']).not.toHaveProperty('post')
    const state = (await ask('GET', 'api/state')).body as FleetSnapshot
    expect(state.hasChat).toBe(true)
  })
})
