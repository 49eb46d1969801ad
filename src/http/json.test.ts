import { expect, it } from 'vitest'
import { z } from 'zod'
import { parseBody } from './json.ts'

const schema = z.strictObject({ users: z.number().min(0).max(9), name: z.string().max(3).optional() })

it('reads a body that begins with a byte order mark', () => {
  expect(parseBody('\ufeff{"users":5}', schema)).toEqual({ users: 5 })
})

it.each([
  ['7', 'body: 7 is not allowed', 'the keys users, name'],
  ['{}', 'users: is missing', 'a number, at least 0, at most 9'],
  ['{"users":"5"}', 'users: "5" is not allowed', 'a number, at least 0, at most 9'],
  ['{"users":5,"name":"long"}', 'name: "long" is not allowed', 'text, of at most 3 characters'],
  ['{"users":5,"nane":"x"}', 'nane: there is no such key', 'name (did you mean it?); all: users, name'],
  ['{', 'body: it is not JSON', 'see the OpenAPI description'],
])('says of the body %s in words what is wrong and what is allowed', (text, message, hint) => {
  expect(() => parseBody(text, schema)).toThrow(
    expect.objectContaining({ code: 'INVALID_INPUT', message, hint }),
  )
})
