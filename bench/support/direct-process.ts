/** One chat server that is reached without a gateway; prints its port. */
import { startChat } from '../../test/support/chat.ts'

const { url } = await startChat({ limits: { messagesPerSecond: 1e6, messageBurst: 1e6 } })
process.on('SIGTERM', () => process.exit(0))
process.on('disconnect', () => process.exit(1))
process.send!({ port: Number(new URL(url).port) })
