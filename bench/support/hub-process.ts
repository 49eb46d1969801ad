/** The hub and the room log in a process of their own, as the supervisor has them; a chat server is at descriptor 4. */
import { Socket } from 'node:net'
import { built } from './processes.ts'

const { Hub } = await built<typeof import('../../src/chat/hub/hub.ts')>('chat/hub/hub')
const { EmbeddedRoomLog } = await built<typeof import('../../src/chat/log/embedded/embedded.ts')>(
  'chat/log/embedded/embedded',
)
const hub = new Hub(EmbeddedRoomLog.open(process.argv[2]!))
hub.attach(new Socket({ fd: 4, readable: true, writable: true }), 1)
process.on('SIGTERM', () => void hub.close().then(() => process.exit(0)))
process.on('disconnect', () => process.exit(1))
process.send!('ready')
