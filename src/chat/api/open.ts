import { ModerationLog } from '../access/moderation-log.ts'
import type { Hub } from '../hub/hub.ts'
import { RemoteRoomLog } from '../hub/remote-room-log.ts'
import { streamPair } from '../hub/stream-pair.ts'
import type { ChatLink } from '../link.ts'
import { ChatService } from './chat-service.ts'
import type { PresenceDirectory } from './directory.ts'

/** The number under which the server API takes part in a fleet: no chat server has it. */
const API_SERVER = 0

/** A service on whatever the fleet shares. It keeps what moderators decided alive in the log. */
async function openChatService(
  link: ChatLink,
  directory: PresenceDirectory,
): Promise<{ service: ChatService; close(): Promise<void> }> {
  const moderation = new ModerationLog(link)
  await moderation.start({ keep: true })
  return {
    service: new ChatService(link, moderation, directory),
    close: async () => {
      moderation.close()
      await link.close()
    },
  }
}

/** A service beside the chat servers of a hub, in the hub's own process. */
export async function serviceOfHub(hub: Hub): Promise<{ service: ChatService; close(): Promise<void> }> {
  const [near, far] = streamPair()
  hub.attach(far, API_SERVER)
  const link = await RemoteRoomLog.connect(
    near,
    () => {},
    () => {},
  )
  return openChatService(link, hub.directory)
}
