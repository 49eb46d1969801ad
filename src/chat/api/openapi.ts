import { z } from 'zod'
import type { ApiScope } from './keys.ts'
import type { ApiRoute } from './route.ts'
import { API_ROUTES } from './routes.ts'

const json = (schema: object) => ({ content: { 'application/json': { schema } } })

const problem = {
  type: 'object',
  properties: { code: { type: 'string' }, message: { type: 'string' }, hint: { type: 'string' } },
  required: ['code', 'message'],
}

/** The server API for programs: OpenAPI 3.1. */
export function serverOpenApi(version: string): object {
  return {
    openapi: '3.1.0',
    info: { title: 'Concertina server API', version },
    components: { securitySchemes: { key: { type: 'http', scheme: 'bearer' } } },
    security: [{ key: [] }],
    paths: describeRoutes(API_ROUTES, '/v1/', (scope) => `Needs a key with the scope \`${scope}\`.`),
  }
}

/**
 * Describes routes of the server API.
 * @param base what their paths begin with in place of `/v1/`
 */
export function describeRoutes(
  routes: readonly ApiRoute[],
  base: string,
  access: (scope: ApiScope) => string,
): Record<string, Record<string, object>> {
  const paths: Record<string, Record<string, object>> = {}
  for (const { method, path: from, summary, body, bodyOptional, query = {}, scope, answers } of routes) {
    const path = from.replace('/v1/', base)
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, key]) => ({
      name: key,
      in: 'path',
      required: true,
      schema: { type: 'string' },
    }))
    const inQuery = Object.entries(query).map(([key, description]) => ({
      name: key,
      in: 'query',
      description,
      schema: { type: 'string' },
    }))
    const hasAnswer = method === 'GET' || answers === true
    const header = { name: 'Idempotency-Key', in: 'header', schema: { type: 'string', maxLength: 64 } }
    paths[path] = {
      ...paths[path],
      [method.toLowerCase()]: {
        summary,
        description: access(scope),
        parameters: [...inPath, ...inQuery, ...(body && answers ? [header] : [])],
        ...(body && {
          requestBody: { required: !bodyOptional, ...json(z.toJSONSchema(body, { io: 'input' })) },
        }),
        responses: {
          [hasAnswer ? '200' : '204']: {
            description: 'done',
            ...(hasAnswer && json({ type: 'object' })),
          },
          '400': { description: 'what is wrong, and what is allowed', ...json(problem) },
          '401': { description: 'no key, or an unknown one', ...json(problem) },
          '403': { description: 'the key lacks the scope or the room', ...json(problem) },
          ...(path.includes('{seq}') && {
            '404': { description: 'there is no such message', ...json(problem) },
          }),
          ...(body &&
            answers && {
              '409': { description: 'the id was used for something else', ...json(problem) },
            }),
          ...(body && {
            '413': { description: 'the body, or the message in it, is too large', ...json(problem) },
          }),
          '503': { description: 'the room log cannot take it now: repeat it', ...json(problem) },
        },
      },
    }
  }
  return paths
}
