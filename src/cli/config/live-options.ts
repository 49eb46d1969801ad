import { z } from 'zod'
import { option, optionSet, port } from '../../base/options.ts'
import { API_SCOPES } from '../../chat/api/keys.ts'
import { authOptions } from '../../chat/auth/options.ts'
import { hookOptions } from '../../chat/hooks/http-hooks.ts'
import { webhookListOptions } from '../../chat/hooks/webhook-options.ts'
import { chatLimitOptions } from '../../chat/options.ts'
import { namespaceOptions } from '../../chat/rooms/namespaces.ts'
import { otherFleetOptions } from '../../control/other-fleet.ts'
import { connectionRateOptions } from '../../http/connection-rates.ts'
import { liveFleetOptions, rebalanceOptions } from '../../live/fleet-options.ts'

/** What the config says of a fleet of real servers. */
export const liveOptions = optionSet({
  host: option(z.string().min(1), 'address to listen on', '127.0.0.1'),
  port: option(port, 'port of the chat; 0 is any free one', 8080),
  controlPort: option(port, 'port of dashboard, control API and metrics', 8081),
  controlHost: option(
    z.string().min(1),
    'address of the control API; any but 127.0.0.1 needs a token',
    '127.0.0.1',
  ),
  controlToken: option(z.string().min(16), 'or the variable CONCERTINA_CONTROL_TOKEN'),
  fleetName: option(z.string().min(1).max(60), 'what pages call this fleet; default none'),
  fleets: option(
    z.array(otherFleetOptions.schema).max(50),
    'other fleets, such as eu=https://eu.example.org:8081, that the page /fleets of the dashboard shows, too',
  ),
  apiKeys: z
    .array(
      z.strictObject({
        name: z.string().min(1).describe('who uses it; for the audit log'),
        key: z.string().min(32),
        scopes: z.array(z.enum(API_SCOPES)).min(1).optional().describe('default all'),
        rooms: z.array(z.string()).min(1).optional().describe('names, or prefixes and *; default every room'),
      }),
    )
    .optional()
    .describe('keys of the server API on the control port; or the variable CONCERTINA_API_KEY'),
  data: option(z.string().min(1), 'folder of the room log', 'concertina-data'),
  namespaces: option(
    namespaceOptions,
    "options of rooms, by the beginning of their names; the longest that fits counts, '' is for every room",
  ),
  webhooks: option(webhookListOptions, 'receivers of what happens in rooms, by signed HTTP requests'),
  hooks: hookOptions.schema
    .optional()
    .describe('a backend that decides about joins and messages, asked by signed HTTP requests'),
  auth: authOptions.schema.optional(),
  origins: option(
    z.array(z.string()),
    'origins whose pages may connect, such as https://chat.example.org, https://*.example.org, or * for all',
  ),
  trustedProxies: option(
    z.array(z.string()),
    'addresses and ranges of proxies that are believed about their clients (X-Forwarded-For, Forwarded); default none',
  ),
  accessLog: option(
    z.string().min(1),
    'file for one JSON line of each connection, request and rejection, or - for the standard output',
  ),
  proxyProtocol: option(
    z.boolean(),
    'connections of trusted proxies begin with a PROXY header, version 1 or 2',
    false,
  ),
  limits: z
    .strictObject({
      ...chatLimitOptions.shape,
      ...connectionRateOptions.shape,
      maxHeadBytes: liveFleetOptions.shape.maxHeadBytes,
    })
    .optional(),
  rebalance: rebalanceOptions.schema.optional(),
  spares: liveFleetOptions.shape.spares,
  acceptRate: liveFleetOptions.shape.acceptRate,
  work: option(
    z.boolean(),
    "whether each message costs the server's serviceTime; default false for serve, true for demo",
  ),
})

export type LiveConfig = z.infer<typeof liveOptions.schema>
