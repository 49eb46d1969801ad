import { setImmediate } from 'node:timers/promises'
import { afterEach, expect, it } from 'vitest'
import { ChatClient } from '../client/node.ts'
import { RoomStore } from './room-store.ts'

const clients: ChatClient[] = []
afterEach(() => {
  for (const client of clients.splice(0)) client.close()
})

/** A room of a client whose server never answers. */
function roomOf(name: string) {
  const client = new ChatClient({ url: 'ws://127.0.0.1:9/chat', user: 'ann' })
  clients.push(client)
  const store = new RoomStore(client, name, {})
  const seen: string[] = []
  const watch = () => store.subscribe(() => seen.push(store.state.status))
  return { client, store, seen, watch }
}

it('is joining again after a visit that was ended before it had joined, as in StrictMode', async () => {
  const { store, seen, watch } = roomOf('lobby')
  watch()()
  watch()
  for (let i = 0; i < 10; i++) await setImmediate()
  expect(seen).not.toContain('failed')
  expect(store.state).toMatchObject({ status: 'joining', error: undefined })
})

it('fails with what is wrong with the room, and says nothing once nobody watches', async () => {
  const { store, seen, watch } = roomOf('')
  const end = watch()
  await expect.poll(() => store.state.status).toBe('failed')
  expect(store.state.error?.message).toMatch(/room/)
  const said = seen.length
  end()
  for (let i = 0; i < 10; i++) await setImmediate()
  expect(seen).toHaveLength(said)
  expect(store.state).toMatchObject({ status: 'joining', error: undefined, messages: [] })
})
