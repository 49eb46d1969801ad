/** Chat in a Fastify app, on its own port, with its own tokens: `npm install concertina fastify`, `node fastify.mjs`. */
import { createChat } from 'concertina'
import fastify from 'fastify'
import { auth, isModerator, tokenFor, userOf } from './issuer.mjs'

const chat = await createChat({ auth, data: process.env.CHAT_DATA })
const app = fastify({ forceCloseConnections: true })

app.post('/token', (request, reply) => {
  const user = userOf(request)
  return user ? reply.type('text/plain').send(tokenFor(user)) : reply.code(401).send()
})

// The backend posts. The id makes it safe to repeat: the room has it once.
app.post('/orders/:id/paid', async ({ params: { id } }) => {
  const { seq } = await chat.service.publish('orders', { body: `order ${id} was paid`, id: `paid-${id}` })
  return { seq }
})

app.delete('/rooms/:room/messages/:seq', async (request, reply) => {
  if (!isModerator(userOf(request))) return reply.code(403).send()
  await chat.service.delete(request.params.room, Number(request.params.seq))
  return reply.code(204).send()
})

chat.attach(app.server) // WebSockets on /chat; everything else stays Fastify's
app.addHook('preClose', () => chat.close()) // clients reconnect to the next process and resume
await app.listen({ port: Number(process.env.PORT ?? 3000), host: '127.0.0.1' })
console.log(`listening on ${app.server.address().port}`)
process.once('SIGTERM', () => app.close())
