/**
 * Chat in a Next.js app with a server file of its own, in place of `next start`: `npm install concertina next react react-dom`,
 * `next build`, `NODE_ENV=production node next.mjs`. Route handlers reach the chat as `globalThis.chat`. The path of the WebSocket must
 * not be a page of the app: Next closes upgrades to its own pages.
 */
import { createServer } from 'node:http'
import { createChat } from 'concertina'
import next from 'next'
import { auth, isModerator, tokenFor, userOf } from './issuer.mjs'

const chat = await createChat({ auth, data: process.env.CHAT_DATA })
globalThis.chat = chat
const app = next({ dev: process.env.NODE_ENV !== 'production' })
await app.prepare()
const handlePage = app.getRequestHandler()

const server = createServer(async (request, response) => {
  const { method, url } = request
  const [, order] = /^\/orders\/([^/]+)\/paid$/.exec(url) ?? []
  const [, room, seq] = /^\/rooms\/([^/]+)\/messages\/(\d+)$/.exec(url) ?? []
  const answer = (status, body = '') => response.writeHead(status).end(body)
  try {
    if (method === 'POST' && url === '/token') {
      const user = userOf(request)
      if (user) answer(200, tokenFor(user))
      else answer(401)
    } else if (method === 'POST' && order) {
      // The backend posts. The id makes it safe to repeat: the room has it once.
      const message = { body: `order ${order} was paid`, id: `paid-${order}` }
      answer(200, JSON.stringify({ seq: (await chat.service.publish('orders', message)).seq }))
    } else if (method === 'DELETE' && room) {
      if (!isModerator(userOf(request))) answer(403)
      else {
        await chat.service.delete(decodeURIComponent(room), Number(seq))
        answer(204)
      }
    } else await handlePage(request, response)
  } catch (error) {
    console.error(error)
    answer(500)
  }
})
chat.attach(server) // WebSockets on /chat; everything else stays Next's
server.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log(`listening on ${server.address().port}`)
})

process.once('SIGTERM', async () => {
  await chat.close() // clients reconnect to the next process and resume
  server.close()
  await app.close()
})
