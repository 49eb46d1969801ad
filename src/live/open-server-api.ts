import type { Logger } from '../base/logger.ts'
import { type ApiKeyOptions, ApiKeys } from '../chat/api/keys.ts'
import { serviceOfHub } from '../chat/api/open.ts'
import { ServerApi } from '../chat/api/server-api.ts'
import type { Hub } from '../chat/hub/hub.ts'
import type { ChatOptions } from '../chat/options.ts'

/** Opens the server API of a fleet on one machine, for backends that have one of these keys; every request is logged. */
export async function openServerApi(
  hub: Hub,
  keys: readonly ApiKeyOptions[],
  limits: ChatOptions['limits'],
  logger: Logger,
): Promise<{ api: ServerApi; close(): Promise<void> }> {
  const { service, close } = await serviceOfHub(hub)
  const api = new ServerApi({
    service,
    keys: new ApiKeys(keys),
    maxBodyBytes: limits?.maxBodyBytes,
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
  return { api, close }
}
