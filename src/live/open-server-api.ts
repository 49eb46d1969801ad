import type { Logger } from '../base/logger.ts'
import type { ApiKeyOptions } from '../chat/api/keys.ts'
import { serverApi, serviceOfHub } from '../chat/api/open.ts'
import type { ServerApi } from '../chat/api/server-api.ts'
import type { Hub } from '../chat/hub/hub.ts'
import { LogUnavailable } from '../chat/log/room-log.ts'
import type { ChatOptions } from '../chat/options.ts'

/** Opens the server API of a fleet on one machine, once the fleet has its hub. */
export async function openServerApi(
  hub: Hub | undefined,
  keys: readonly ApiKeyOptions[] | undefined,
  limits: ChatOptions['limits'],
  logger: Logger,
): Promise<{ api: ServerApi; close(): Promise<void> }> {
  if (!hub) throw new LogUnavailable('the fleet is starting')
  const { service, close } = await serviceOfHub(hub)
  return { api: serverApi(service, keys ?? [], limits?.maxBodyBytes, logger), close }
}
