import { createServer } from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import { ChatClient } from '../src/client/node.ts'
import type { FleetSnapshot } from '../src/control/control-target.ts'
import { startControlPlane } from '../src/live/control-plane.ts'
import { liveControl } from '../src/live/live-control.ts'
import { Supervisor } from '../src/live/supervisor.ts'
import { AutoScaler } from '../src/scaling/auto-scaler.ts'

const TOKEN = 'a control token of this test'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

/** A fleet of two servers without keys of the server API, and its control API. */
async function fleet() {
  const autoScaler = new AutoScaler({ minServers: 2, maxServers: 2, interval: 1 })
  const logged: Record<string, unknown>[] = []
  const note = (_: string, fields: object = {}) => void logged.push({ ...fields })
  const logger = { debug: note, info: note, warn: note, error: note }
  const supervisor = new Supervisor({ gateway: { port: 0 }, autoScaler, logger }, createServer())
  const plane = await startControlPlane(
    liveControl(supervisor, autoScaler),
    { port: 0, token: TOKEN, logger },
    supervisor,
  )
  closers.push(
    () => supervisor.close(),
    () => plane.close(),
  )
  const ask = async (method: string, path: string, body?: object) => {
    const headers = { authorization: `Bearer ${TOKEN}` }
    const init = { method, headers, ...(body && { body: JSON.stringify(body) }) }
    const response = await fetch(plane.url + path, init)
    const text = await response.text()
    return { status: response.status, body: text === '' ? undefined : JSON.parse(text) }
  }
  const user = async (name: string, room: string) => {
    const client = new ChatClient({ url: `ws://127.0.0.1:${port}/chat`, user: name })
    closers.push(() => client.close())
    await client.join(room)
    return client
  }
  expect(await ask('GET', 'api/chat/rooms')).toMatchObject({
    status: 503,
    body: { code: 'LOG_UNAVAILABLE', message: expect.stringContaining('starting') },
  })
  const port = await supervisor.start()
  return { ask, user, logged, url: plane.url }
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
