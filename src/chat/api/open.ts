import type { Logger } from '../../base/logger.ts'
import type { Tracer } from '../../telemetry/tracer.ts'
import { ModerationLog } from '../access/moderation-log.ts'
import { API_SERVER, type Hub } from '../hub/hub.ts'
import { RemoteRoomLog } from '../hub/remote-room-log.ts'
import { streamPair } from '../hub/stream-pair.ts'
import type { RoomLog } from '../log/room-log.ts'
import { ChatService } from './chat-service.ts'
import type { ChatDirectory } from './directory.ts'
import { type ApiKeyOptions, ApiKeys } from './keys.ts'
import { ServerApi } from './server-api.ts'

/** A service on whatever the fleet shares, which is not closed with it. It keeps what moderators decided alive in the log. */
export async function openChatService(
  log: RoomLog,
  directory: ChatDirectory,
  tracer?: Tracer,
): Promise<{ service: ChatService; close(): void }> {
  const moderation = new ModerationLog(log)
  await moderation.start({ keep: true })
  return { service: new ChatService(log, moderation, directory, tracer), close: () => moderation.close() }
}

/** The server API of a service, for backends that have one of these keys; what they change is logged. */
export function serverApi(
  service: ChatService,
  keys: readonly ApiKeyOptions[],
  maxBodyBytes: number | undefined,
  logger: Logger,
  tracer?: Tracer,
): ServerApi {
  return new ServerApi({
    service,
    keys: new ApiKeys(keys),
    maxBodyBytes,
    tracer,
    onAudit: ({ key, method, path, status, address }) =>
      logger.info(`Server API: ${key} ${method} ${path}: ${status}`, {
        audit: true,
        key,
        method,
        path,
        status,
        address,
      }),
  })
}

/** A service beside the chat servers of a hub, in the hub's own process. */
export async function serviceOfHub(
  hub: Hub,
  tracer?: Tracer,
): Promise<{ service: ChatService; close(): Promise<void> }> {
  const [near, far] = streamPair()
  hub.attach(far, API_SERVER)
  const link = await RemoteRoomLog.connect(
    near,
    () => {},
    () => {},
  )
  const { service, close } = await openChatService(link, hub.directory, tracer)
  return {
    service,
    close: async () => {
      close()
      await link.close()
    },
  }
}
