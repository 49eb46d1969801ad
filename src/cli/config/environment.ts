import { parse } from 'yaml'
import { z } from 'zod'
import { ConcertinaError } from '../../base/errors.ts'
import { CONFIG_PREFIX, environment, hasConfigVariables } from '../environment.ts'
import { configSchema } from './schema.ts'

interface JsonSchema {
  readonly type?: string
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly items?: JsonSchema
}

/** A key of the config that a variable can set. */
interface ConfigKey {
  readonly path: readonly string[]
  readonly variable: string
  /** Whether the text is used as it is; otherwise it is YAML. */
  readonly isText: boolean
  /** Whether `a,b` is a list. */
  readonly isTextList: boolean
}

const upperSnake = (name: string) => name.replaceAll(/(?<=[a-z0-9])(?=[A-Z])/g, '_').toUpperCase()

function keysOf(schema: JsonSchema, path: readonly string[]): ConfigKey[] {
  const { properties } = schema
  if (properties) return Object.entries(properties).flatMap(([name, below]) => keysOf(below, [...path, name]))
  const isTextList = schema.type === 'array' && schema.items?.type === 'string'
  const variable = `${CONFIG_PREFIX}${path.map(upperSnake).join('_')}`
  return [{ path, variable, isText: schema.type === 'string', isTextList }]
}

/** Every key of the config, with its variable: `live.auth.jwksUrl` is `CONCERTINA_LIVE_AUTH_JWKS_URL`. */
export const configKeys = (): readonly ConfigKey[] =>
  keysOf(
    z.toJSONSchema(configSchema, { target: 'draft-7', io: 'input', unrepresentable: 'any' }) as JsonSchema,
    [],
  )

function readValue({ isText, isTextList, variable }: ConfigKey, text: string): unknown {
  if (isText) return text
  if (isTextList && !text.startsWith('[')) return text.split(',').map((each) => each.trim())
  try {
    return parse(text)
  } catch (error) {
    const [wrong] = (error as Error).message.split('\n')
    // The text may hold secrets.
    throw new ConcertinaError('INVALID_INPUT', `${variable}: it is not YAML: ${wrong}`, {
      hint: 'a number, true or false, [a, list] or {a: map}',
    })
  }
}

/**
 * The config with what variables of the environment say in place of what the file says.
 * @returns the variables by the keys that they set, joined by dots
 */
export function applyEnvironment(config: Record<string, unknown>): ReadonlyMap<string, string> {
  const applied = new Map<string, string>()
  // Reading the keys off the schema takes tens of milliseconds: most starts need none.
  if (!hasConfigVariables()) return applied
  for (const key of configKeys()) {
    const text = environment(key.variable)
    if (text === undefined) continue
    let at = config
    for (const name of key.path.slice(0, -1)) {
      const below = at[name]
      // What the file has there instead of a map is reported by its place.
      if (below !== undefined && (typeof below !== 'object' || below === null)) return applied
      at[name] = below ?? {}
      at = at[name] as Record<string, unknown>
    }
    at[key.path.at(-1)!] = readValue(key, text)
    applied.set(key.path.join('.'), key.variable)
  }
  return applied
}
