/** The hub and the room log in a process of their own, as the supervisor has them; a chat server is at descriptor 4. */
import { Socket } from 'node:net'
import { Hub } from '../../src/chat/hub/hub.ts'
import { EmbeddedRoomLog } from '../../src/chat/log/embedded/embedded.ts'

const hub = new Hub(EmbeddedRoomLog.open(process.argv[2]!))
hub.attach(new Socket({ fd: 4, readable: true, writable: true }), 1)
process.on('SIGTERM', () => void hub.close().then(() => process.exit(0)))
process.on('disconnect', () => process.exit(1))
process.send!('ready')
