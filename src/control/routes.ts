import { z } from 'zod'
import { STRATEGY_NAMES } from '../balancing/strategy-names.ts'
import { invalidInput } from '../base/errors.ts'
import type { ApiClient } from '../chat/api/keys.ts'
import { describeRoutes } from '../chat/api/openapi.ts'
import { API_ROUTES } from '../chat/api/routes.ts'
import { policySchema } from '../scaling/policies.ts'
import { MOST_USERS } from '../traffic/load-pattern.ts'
import type { ControlTarget } from './control-target.ts'
import { summaryOf } from './fleet-summary.ts'
import type { Fleets } from './fleets.ts'
import { DAY_FIELDS, type StateHistory } from './state-history.ts'

interface RouteInput {
  readonly target: ControlTarget
  readonly day: StateHistory
  readonly fleets: Fleets
  readonly query: URLSearchParams
  /** The number in the path. */
  readonly id: number
}

export interface Route {
  readonly method: 'GET' | 'POST'
  /** `{id}` is a server's number. */
  readonly path: string
  readonly summary: string
  readonly body?: z.ZodType
  /** Gives what is answered, or a promise of it; nothing for an action. */
  run(input: RouteInput, body: never): unknown
}

let policies: object | undefined
/** The kinds of policy as JSON Schema; made when it is first asked for, since a start should not wait for it. */
function policiesSchema(): object {
  policies ??= z.toJSONSchema(policySchema, { io: 'input' })
  return policies
}

/** Rows of history that one answer has at most. */
const MAX_ROWS = 5000

function count(query: URLSearchParams, name: string): number {
  const text = query.get(name) ?? '0'
  const value = Number(text)
  if (text === '' || !Number.isFinite(value))
    throw invalidInput(name, `${JSON.stringify(text)} is not allowed`, 'a number')
  return value
}

function action<T>(
  path: string,
  summary: string,
  body: z.ZodType<T> | undefined,
  act: (input: RouteInput, body: T) => void,
): Route {
  return { method: 'POST', path, summary, ...(body && { body }), run: act as Route['run'] }
}

/** What the control API answers to. */
export const ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: '/api/state',
    summary: 'The fleet at this moment.',
    run: ({ target }) => target.snapshot(),
  },
  {
    method: 'GET',
    path: '/api/summary',
    summary: 'The fleet in a few figures, with its alerts and the last thing that happened.',
    run: ({ target }) => summaryOf(target),
  },
  {
    method: 'GET',
    path: '/api/fleets',
    summary: 'The summaries of this fleet and of the others in its config, and why one is missing.',
    run: ({ target, fleets }) => fleets.list(target),
  },
  {
    method: 'GET',
    path: '/api/events',
    summary: 'What happened, after the event of the number `after`.',
    run: ({ target, query }) => target.events(count(query, 'after')),
  },
  {
    method: 'GET',
    path: '/api/history',
    summary:
      'The last day, a row a second, thinned to 5,000 rows with their worst latencies; rows after `after` seconds.',
    run: ({ day, query }) => ({
      fields: DAY_FIELDS,
      rows: day.after(query.has('after') ? count(query, 'after') : -1, MAX_ROWS),
    }),
  },
  {
    method: 'GET',
    path: '/api/decision',
    summary: 'The last decision at or before `at` seconds since the run began, and the first after it.',
    run: ({ target, query }) => target.decisionAt(count(query, 'at')),
  },
  {
    method: 'GET',
    path: '/api/policies',
    summary: 'What may be said of a policy: a JSON schema with an alternative for each kind.',
    run: () => policiesSchema(),
  },
  action(
    '/api/load',
    'Sets the number of users of a demonstration; null goes back to its load pattern.',
    z.strictObject({ users: z.number().min(0).max(MOST_USERS).nullable() }),
    ({ target }, { users }) => target.setLoad(users),
  ),
  action('/api/policy', 'Changes the policy.', policySchema, ({ target }, spec) => target.setPolicy(spec)),
  action(
    '/api/shadow',
    'Begins a policy that decides beside and never acts; null ends it.',
    z.strictObject({ policy: policySchema.nullable() }),
    ({ target }, { policy }) => target.setShadow(policy),
  ),
  action(
    '/api/strategy',
    'Changes the balancing strategy: users keep their servers, new ones are placed by it.',
    z.strictObject({ strategy: z.enum(STRATEGY_NAMES) }),
    ({ target }, { strategy }) => target.setStrategy(strategy),
  ),
  action(
    '/api/pause',
    'Pauses or resumes the autoscaler.',
    z.strictObject({ paused: z.boolean() }),
    ({ target }, { paused }) => target.pause(paused),
  ),
  action(
    '/api/size',
    'Scales to that many servers within the limits, and pauses the autoscaler.',
    z.strictObject({ servers: z.number().int().min(1) }),
    ({ target }, { servers }) => target.setSize(servers),
  ),
  action(
    '/api/servers/{id}/drain',
    'Lets a server go when its users have moved.',
    undefined,
    ({ target, id }) => target.drain(id),
  ),
  action('/api/servers/{id}/kill', 'Kills a server.', undefined, ({ target, id }) => target.kill(id)),
]

/** Where the control API answers for the server API of the chat. */
export const CHAT_BASE = '/api/chat/'

/** A client that may control the fleet may read and moderate every room, but not publish. */
export const MODERATOR: ApiClient = {
  name: 'control',
  scopes: new Set(['read', 'moderate']),
  mayUse: () => true,
  everyRoom: true,
}

/**
 * The API for programs: OpenAPI 3.1.
 * @param hasChat whether the fleet has a chat, whose rooms and users can be administrated
 */
export function openApi(version: string, hasChat: boolean): object {
  const paths: Record<string, Record<string, object>> = {}
  const json = (schema: object) => ({ content: { 'application/json': { schema } } })
  const error = {
    type: 'object',
    properties: { code: { type: 'string' }, message: { type: 'string' }, hint: { type: 'string' } },
    required: ['code', 'message'],
  }
  for (const { method, path, summary, body } of ROUTES) {
    const query = { '/api/events': 'after', '/api/history': 'after', '/api/decision': 'at' }[path]
    paths[path] = {
      ...paths[path],
      [method.toLowerCase()]: {
        summary,
        parameters: [
          ...(path.includes('{id}')
            ? [{ name: 'id', in: 'path', required: true, schema: { type: 'integer' } }]
            : []),
          ...(query ? [{ name: query, in: 'query', schema: { type: 'number' } }] : []),
        ],
        ...(body && { requestBody: { required: true, ...json(z.toJSONSchema(body, { io: 'input' })) } }),
        responses: {
          [method === 'GET' ? '200' : '204']: { description: 'done', ...(method === 'GET' && json({})) },
          '400': { description: 'what is wrong, and what is allowed', ...json(error) },
          '401': { description: 'the control token is needed', ...json(error) },
          ...(body && { '413': { description: 'the body is too large', ...json(error) } }),
        },
      },
    }
  }
  paths['/api/stream'] = {
    get: {
      summary: 'Server-sent events, up to ten a second: `state` and `event`.',
      responses: { '200': { description: 'the stream', content: { 'text/event-stream': {} } } },
    },
  }
  if (hasChat) {
    const routes = API_ROUTES.filter(({ scope }) => MODERATOR.scopes.has(scope))
    Object.assign(
      paths,
      describeRoutes(routes, CHAT_BASE, () => 'The server API of the chat.'),
    )
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Concertina control API', version },
    components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
    security: [{}, { token: [] }],
    paths,
  }
}
