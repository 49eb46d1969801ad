/** Chat in an Express app, on its own port, with its own tokens: `npm install concertina express`, `node express.mjs`. */
import { createChat } from 'concertina'
import express from 'express'
import { auth, isModerator, tokenFor, userOf } from './issuer.mjs'

const chat = await createChat({ auth, data: process.env.CHAT_DATA })
const app = express()

app.post('/token', (request, response) => {
  const user = userOf(request)
  if (user) response.type('text').send(tokenFor(user))
  else response.sendStatus(401)
})

// The backend posts. The id makes it safe to repeat: the room has it once.
app.post('/orders/:id/paid', async (request, response) => {
  const { id } = request.params
  const { seq } = await chat.service.publish('orders', { body: `order ${id} was paid`, id: `paid-${id}` })
  response.json({ seq })
})

app.delete('/rooms/:room/messages/:seq', async (request, response) => {
  if (!isModerator(userOf(request))) return response.sendStatus(403)
  await chat.service.delete(request.params.room, Number(request.params.seq))
  response.sendStatus(204)
})

const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log(`listening on ${server.address().port}`)
})
chat.attach(server) // WebSockets on /chat; everything else stays Express's

process.once('SIGTERM', async () => {
  await chat.close() // clients reconnect to the next process and resume
  server.close()
})
