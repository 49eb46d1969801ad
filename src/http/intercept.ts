import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Server as SecureServer } from 'node:https'

/**
 * Looks at every request of a server before the listeners that it has, which get those that `handle` does not.
 * @param handle returns whether it answers the request
 * @returns gives the requests back to those listeners
 */
export function interceptRequests(
  server: Server | SecureServer,
  handle: (request: IncomingMessage, response: ServerResponse) => boolean,
): () => void {
  type Listener = (request: IncomingMessage, response: ServerResponse) => void
  const others = server.listeners('request') as Listener[]
  const onRequest: Listener = (request, response) => {
    if (!handle(request, response)) for (const other of others) other.call(server, request, response)
  }
  server.removeAllListeners('request')
  server.on('request', onRequest)
  return () => {
    handle = () => false // what intercepted after this still calls it
    if (!server.listeners('request').includes(onRequest)) return
    server.off('request', onRequest)
    for (const other of others) server.on('request', other)
  }
}
