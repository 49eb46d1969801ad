import { z } from 'zod'
import { API_ROUTES } from './routes.ts'

const json = (schema: object) => ({ content: { 'application/json': { schema } } })

const problem = {
  type: 'object',
  properties: { code: { type: 'string' }, message: { type: 'string' }, hint: { type: 'string' } },
  required: ['code', 'message'],
}

/** The server API for programs: OpenAPI 3.1. */
export function serverOpenApi(version: string): object {
  const paths: Record<string, Record<string, object>> = {}
  for (const { method, path, summary, body, bodyOptional, query = {}, scope, answers } of API_ROUTES) {
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
        description: `Needs a key with the scope \`${scope}\`.`,
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
          '503': { description: 'the room log cannot take it now: repeat it', ...json(problem) },
        },
      },
    }
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Concertina server API', version },
    components: { securitySchemes: { key: { type: 'http', scheme: 'bearer' } } },
    security: [{ key: [] }],
    paths,
  }
}
