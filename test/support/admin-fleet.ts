import { createServer } from 'node:http'
import { ChatClient } from '../../src/client/node.ts'
import { startControlPlane } from '../../src/live/control-plane.ts'
import { liveControl } from '../../src/live/live-control.ts'
import { Supervisor } from '../../src/live/supervisor.ts'
import { AutoScaler } from '../../src/scaling/auto-scaler.ts'

/** A live fleet of two servers without keys of the server API, with its control API. Nothing is started before `start`. */
export async function adminFleet(token?: string) {
  const autoScaler = new AutoScaler({ minServers: 2, maxServers: 2, interval: 1 })
  const logged: Record<string, unknown>[] = []
  const note = (_: string, fields: object = {}) => void logged.push({ ...fields })
  const logger = { debug: note, info: note, warn: note, error: note }
  const supervisor = new Supervisor({ gateway: { port: 0 }, autoScaler, logger }, createServer())
  const control = liveControl(supervisor, autoScaler)
  const plane = await startControlPlane(control, { port: 0, token, logger }, supervisor)
  const clients: ChatClient[] = []
  let port = 0
  return {
    url: plane.url,
    logged,
    start: async () => {
      port = await supervisor.start()
      supervisor.run()
    },
    /** A user who is in some rooms. */
    user: async (name: string, ...rooms: string[]) => {
      const client = new ChatClient({ url: `ws://127.0.0.1:${port}/chat`, user: name })
      clients.push(client)
      for (const room of rooms) await client.join(room)
      return client
    },
    ask: async (method: string, path: string, body?: object) => {
      const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` }
      const init = { method, headers, ...(body && { body: JSON.stringify(body) }) }
      const response = await fetch(plane.url + path, init)
      const text = await response.text()
      return { status: response.status, body: text === '' ? undefined : JSON.parse(text) }
    },
    close: async () => {
      for (const client of clients) client.close()
      plane.close()
      await supervisor.close()
    },
  }
}
