import { z } from 'zod'
import { ConcertinaError, shown } from './errors.ts'
import { suggest } from './suggest.ts'

/** Options whose values are secret: no error, file or log of ours repeats them. */
export const SECRETS: ReadonlySet<PropertyKey> = new Set([
  'secret',
  'previousSecrets',
  'key',
  'controlToken',
  'token',
])

/** Seconds, above 0. */
export const seconds = z.number().positive()
/** A number that may be 0. */
export const atLeastZero = z.number().min(0)
/** A whole number, at least 1. */
export const count = z.number().int().min(1)
/** How large a fleet may be, or may be thought: each of its servers is an object of its own. */
export const fleetSize = count.max(100_000)

/** A TCP port; 0 is any free one. */
export const port = z.number().int().min(0).max(65_535)
/** An address that `fetch` takes: none with a user name or a password. */
export const webAddress = z
  .url({ protocol: /^https?$/ })
  .refine(
    (url) => !URL.canParse(url) || `${new URL(url).username}${new URL(url).password}` === '',
    'it has a user name in it',
  )
  .meta({ allowed: 'an address that begins with http:// or https://, without a user name' })

type WithDefault<T extends z.ZodType> = z.ZodOptional<T> & { readonly hasDefault: true }

/**
 * An option that may be left out.
 * @param description what it is, with its unit
 * @param value its default; where the default depends on other options, the description names it
 */
export function option<T extends z.ZodType>(schema: T, description: string): z.ZodOptional<T>
export function option<T extends z.ZodType>(
  schema: T,
  description: string,
  value: NonNullable<z.output<T>>,
): WithDefault<T>
export function option(schema: z.ZodType, description: string, value?: unknown) {
  return schema.optional().meta({ description, ...(value !== undefined && { default: value }) })
}

/** The same option with another default. */
export function withDefault<T extends z.ZodType>(field: T, value: NonNullable<z.output<T>>): T {
  return field.meta({ ...field.meta(), default: value })
}

/** What a caller may give, as a type made of the same shape. */
export type OptionsOf<S extends z.ZodRawShape> = z.input<z.ZodObject<S>>

/** The same with every default filled in. */
export type Filled<S extends z.ZodRawShape> = {
  [K in keyof S]: S[K] extends { readonly hasDefault: true } ? NonNullable<z.output<S[K]>> : z.output<S[K]>
}

/** The options of one thing: names, types, bounds, defaults and descriptions, for library, config, CLI and docs alike. */
export interface OptionSet<S extends z.ZodRawShape> {
  readonly shape: S
  /** Rejects unknown keys; fills in nothing. */
  readonly schema: z.ZodObject<S, z.core.$strict>
  /** The names of the options. */
  readonly keys: readonly (keyof S & string)[]
  /** The default of one option. */
  defaultOf<K extends keyof S & string>(key: K): NonNullable<z.output<S[K]>>
  /** Only these options, of an object that may have others, too, and only those that are given. */
  given(options: Partial<OptionsOf<S>>): Partial<OptionsOf<S>>
  /** Checks the options and fills in the defaults. Throws INVALID_INPUT that names the option. */
  parse(options: unknown): Filled<S>
}

/** Declares the options of one thing. */
export function optionSet<S extends z.ZodRawShape>(shape: S): OptionSet<S> {
  const schema = z.strictObject(shape)
  const keys = Object.keys(shape)
  const defaults = Object.entries(shape).flatMap(([key, field]) => {
    const value = defaultIn(field as z.ZodType)
    return value === undefined ? [] : [[key, value] as const]
  })
  return {
    shape,
    schema: schema as OptionSet<S>['schema'],
    keys,
    defaultOf: (key) => defaultIn(shape[key] as unknown as z.ZodType) as never,
    given(options) {
      const all = options as Record<string, unknown>
      const given = keys.flatMap((key) => (all[key] === undefined ? [] : [[key, all[key]]]))
      return Object.fromEntries(given)
    },
    parse(options) {
      const parsed = check(schema, options) as Record<string, unknown>
      for (const [key, value] of defaults) parsed[key] ??= value
      return parsed as Filled<S>
    },
  }
}

function defaultIn(field: z.ZodType): unknown {
  return field.meta()?.default
}

/**
 * The value as `schema` reads it.
 * @param whole what the value is, for what is wrong with all of it
 * @throws {ConcertinaError} INVALID_INPUT, naming the option, what is wrong with it and what is allowed.
 */
export function check<T>(schema: z.ZodType<T>, value: unknown, whole = 'the options'): T {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const { path, key, wrong, allowed } = problemOf(parsed.error.issues[0]!, schema, value)
  const where = dotted(key === undefined ? path : [...path, key])
  throw new ConcertinaError('INVALID_INPUT', `${where || whole}: ${wrong}`, { hint: allowed, where })
}

/** `entries[0].cron` */
function dotted(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (text, key) =>
      typeof key === 'number' ? `${text}[${key}]` : `${text}${text ? '.' : ''}${shown(String(key), false)}`,
    '',
  )
}

/** Runs `make`, and puts `where` before the place that its error names. */
export function within<T>(where: string, make: () => T): T {
  try {
    return make()
  } catch (error) {
    if (!(error instanceof ConcertinaError) || error.code !== 'INVALID_INPUT' || error.where === undefined)
      throw error
    // An error in all of it begins with what it is, in place of where.
    const rest = error.where === '' ? error.message.replace(/^[^:]*/, '') : `.${error.message}`
    throw new ConcertinaError('INVALID_INPUT', `${where}${rest}`, {
      hint: error.hint,
      where: error.where === '' ? where : `${where}.${error.where}`,
    })
  }
}

/** What is wrong with a value, and where. */
export interface Problem {
  readonly path: readonly PropertyKey[]
  /** The unknown key, if that is what is wrong. */
  readonly key?: string
  readonly wrong: string
  readonly allowed: string | undefined
}

interface JsonSchema {
  $ref?: string
  type?: string | string[]
  /** In words, where the rest of the schema does not say it. */
  allowed?: string
  const?: unknown
  enum?: unknown[]
  minimum?: number
  maximum?: number
  exclusiveMinimum?: number
  minItems?: number
  maxItems?: number
  minLength?: number
  maxLength?: number
  properties?: Record<string, JsonSchema>
  oneOf?: JsonSchema[]
  anyOf?: JsonSchema[]
  allOf?: JsonSchema[]
  items?: JsonSchema
  additionalProperties?: JsonSchema | boolean
  definitions?: Record<string, JsonSchema>
}

const SCHEMAS = new WeakMap<z.ZodType, JsonSchema>()

function jsonSchemaOf(schema: z.ZodType): JsonSchema {
  let found = SCHEMAS.get(schema)
  if (!found) {
    const options = { target: 'draft-7', io: 'input', unrepresentable: 'any' } as const
    found = z.toJSONSchema(schema, options) as JsonSchema
    SCHEMAS.set(schema, found)
  }
  return found
}

/** Follows references, and picks the alternative of the kind that `value` names. */
function resolve(root: JsonSchema, schema: JsonSchema | undefined, value: unknown): JsonSchema | undefined {
  if (schema?.$ref === '#') return resolve(root, { ...root, $ref: undefined } as JsonSchema, value)
  if (schema?.$ref) return resolve(root, root.definitions?.[schema.$ref.split('/').at(-1)!], value)
  if (schema?.allOf) return resolve(root, schema.allOf[0], value)
  const alternatives = schema?.oneOf ?? schema?.anyOf
  if (!alternatives) return schema
  const kind = (value as { kind?: unknown } | null)?.kind
  return alternatives.find((each) => each.properties?.kind?.const === kind && kind !== undefined) ?? schema
}

function valueAt(path: readonly PropertyKey[], value: unknown): unknown {
  return path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown> | undefined)?.[key], value)
}

function schemaAt(root: JsonSchema, path: readonly PropertyKey[], value: unknown): JsonSchema | undefined {
  let schema = resolve(root, root, value)
  let at = value
  for (const key of path) {
    at = (at as Record<PropertyKey, unknown> | undefined)?.[key]
    const { items, properties, additionalProperties: named } = schema ?? {}
    const any = typeof named === 'object' ? named : undefined
    schema = resolve(root, typeof key === 'number' ? items : (properties?.[String(key)] ?? any), at)
  }
  return schema
}

const TYPES: Record<string, string> = {
  integer: 'a whole number',
  number: 'a number',
  string: 'text',
  boolean: 'true or false',
}

/** What a value may be, in words. */
function allowedText(schema: JsonSchema | undefined, found: unknown): string | undefined {
  if (!schema) return undefined
  if (schema.allowed !== undefined) return schema.allowed
  if (schema.enum) return suggest(found, schema.enum.map(String))
  if (schema.const !== undefined) return String(schema.const)
  const alternatives = schema.oneOf ?? schema.anyOf
  const texts = alternatives?.flatMap((each) => allowedText(each, found) ?? [])
  if (texts) return [...new Set(texts)].join(' or ') || undefined
  if (schema.type === 'array') {
    const { minItems, maxItems } = schema
    return `a list${minItems ? `, length at least ${minItems}` : ''}${maxItems ? `, length at most ${maxItems}` : ''}`
  }
  if (schema.type === 'object') {
    const keys = Object.keys(schema.properties ?? {})
    return keys.length > 0 ? `the keys ${keys.join(', ')}` : 'a map of keys'
  }
  const { minimum, maximum, exclusiveMinimum, minLength, maxLength } = schema
  const bounds = [
    exclusiveMinimum !== undefined && `above ${exclusiveMinimum}`,
    minimum !== undefined && minimum > Number.MIN_SAFE_INTEGER && `at least ${minimum}`,
    maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER && `at most ${maximum}`,
    minLength !== undefined && `of at least ${minLength} characters`,
    maxLength !== undefined && `of at most ${maxLength} characters`,
  ].filter((each) => each !== false)
  const type = [schema.type ?? []]
    .flat()
    .map((each) => TYPES[each] ?? each)
    .join(' or ')
  return type === '' ? undefined : [type, ...bounds].join(', ')
}

/** An issue of `schema` with `value`, in words. */
export function problemOf(issue: z.core.$ZodIssue, schema: z.ZodType, value: unknown): Problem {
  const root = jsonSchemaOf(schema)
  const { path } = issue
  const at = schemaAt(root, path, value)
  if (issue.code === 'unrecognized_keys') {
    const key = issue.keys[0]!
    const allowed = suggest(key, Object.keys(at?.properties ?? {}))
    return { path, key, wrong: 'there is no such key', allowed }
  }
  const found = valueAt(path, value)
  if (issue.code === 'invalid_union') {
    const kinds = kindsAt(root, path, value)
    const kind = path.at(-1) === 'kind' ? found : (found as { kind?: unknown } | undefined)?.kind
    if (kinds.length > 0)
      return {
        path,
        wrong: kind === undefined ? 'its kind is missing' : `${shown(kind)}: there is no such kind`,
        allowed: suggest(kind, kinds),
      }
  }
  const wrong =
    found === undefined
      ? 'is missing'
      : path.some((each) => SECRETS.has(each))
        ? 'it is not allowed'
        : Array.isArray(found) && found.length === 0
          ? 'is empty'
          : `${shown(found)} is not allowed`
  return { path, wrong: issue.code === 'custom' ? issue.message : wrong, allowed: allowedText(at, found) }
}

/** The kinds there are of the thing whose `kind` is at `path`. */
function kindsAt(root: JsonSchema, path: readonly PropertyKey[], value: unknown): string[] {
  const schema = schemaAt(root, path.at(-1) === 'kind' ? path.slice(0, -1) : path, value)
  return (schema?.oneOf ?? schema?.anyOf ?? [])
    .flatMap((each) => each.properties?.kind?.const ?? [])
    .map(String)
}

/**
 * Something made in code, such as a policy or a listener, that no config file can hold.
 * @param what in words, for the error
 * @param method a method that it has; without one it is itself a function
 */
export function madeInCode<T>(what: string, method?: keyof T & string) {
  const is = (value: unknown) =>
    method === undefined
      ? typeof value === 'function'
      : typeof (value as Record<string, unknown> | null | undefined)?.[method] === 'function'
  return z.custom<T>(is, { error: `it is not ${what}` })
}
