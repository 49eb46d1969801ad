import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { type Document, isMap, isNode, isScalar, LineCounter, parseDocument } from 'yaml'
import type { z } from 'zod'
import { ConcertinaError } from '../errors.ts'
import { AutoScaler } from '../scaling/auto-scaler.ts'
import { createPolicy } from '../scaling/policies.ts'
import type { SimulationOptions } from '../simulation/options.ts'
import { distribution } from '../traffic/distribution.ts'
import { createPattern, type PatternSpec } from '../traffic/patterns.ts'
import { nearest } from './nearest.ts'
import { allowedKeys, allowedKinds, type Config, configSchema } from './schema.ts'

type Path = readonly PropertyKey[]

/** The files that a pattern names are relative to the config that names them. */
function resolveFiles(spec: PatternSpec, folder: string): PatternSpec {
  if (spec.kind === 'trace') return { ...spec, file: resolve(folder, spec.file) }
  if ('patterns' in spec)
    return { ...spec, patterns: spec.patterns.map((each) => resolveFiles(each, folder)) }
  if ('pattern' in spec) return { ...spec, pattern: resolveFiles(spec.pattern, folder) }
  return spec
}

/** Turns places in a YAML document into `file:line:column`. */
class Places {
  readonly #file: string
  readonly #document: Document
  readonly #lines: LineCounter

  constructor(file: string, document: Document, lines: LineCounter) {
    this.#file = file
    this.#document = document
    this.#lines = lines
  }

  at(offset: number): string {
    const { line, col } = this.#lines.linePos(offset)
    return `${this.#file}:${Math.max(1, line)}:${Math.max(1, col)}`
  }

  /** Where the value at `path` is; of a value that is missing, where the nearest thing around it is. */
  of(path: Path): string {
    for (let n = path.length; n >= 0; n--) {
      const node =
        n === 0 ? this.#document.contents : this.#document.getIn(path.slice(0, n) as string[], true)
      if (isNode(node) && node.range) return this.at(node.range[0])
    }
    return this.at(0)
  }

  ofKey(path: Path, key: string): string {
    const map = path.length === 0 ? this.#document.contents : this.#document.getIn(path as string[], true)
    const pair = isMap(map)
      ? map.items.find((item) => isScalar(item.key) && item.key.value === key)
      : undefined
    return pair && isScalar(pair.key) && pair.key.range ? this.at(pair.key.range[0]) : this.of(path)
  }
}

function fromIssue(issue: z.core.$ZodIssue, places: Places, value: unknown): ConcertinaError {
  const name = issue.path.map(String).join('.') || 'the config'
  const keys = allowedKeys(issue.path, value)
  if (issue.code === 'unrecognized_keys') {
    const key = issue.keys[0]!
    const close = nearest(key, keys)
    const path = [...issue.path.map(String), key].join('.')
    return new ConcertinaError(
      'INVALID_INPUT',
      `${places.ofKey(issue.path, key)}: ${path}: there is no such key`,
      {
        hint: `${close ? `${close} (did you mean it?); all: ` : ''}${keys.join(', ')}`,
      },
    )
  }
  const kinds = issue.code === 'invalid_union' ? allowedKinds(issue.path, value) : []
  if (kinds.length > 0) {
    return new ConcertinaError('INVALID_INPUT', `${places.of(issue.path)}: ${name}: there is no such kind`, {
      hint: kinds.join(', '),
    })
  }
  const { message } = issue
  const hint = keys.length > 0 ? `the keys ${keys.join(', ')}` : undefined
  return new ConcertinaError('INVALID_INPUT', `${places.of(issue.path)}: ${name}: ${message}`, { hint })
}

/** Runs `make`, and says of an error in an option in which line of the config the option is. */
function located<T>(places: Places, path: Path, make: () => T): T {
  try {
    return make()
  } catch (error) {
    if (!(error instanceof ConcertinaError) || error.code !== 'INVALID_INPUT') throw error
    const full = error.where === undefined ? path : [...path, ...error.where.split(/[.[\]]+/).filter(Boolean)]
    const prefix = path.length > 0 ? `${path.map(String).join('.')}.` : ''
    throw new ConcertinaError('INVALID_INPUT', `${places.of(full)}: ${prefix}${error.message}`, {
      hint: error.hint,
    })
  }
}

/** What a config file says, as the simulation's options; without `pattern` when it has no `load`. */
export type ConfiguredOptions = Partial<SimulationOptions> & { load?: PatternSpec }

/**
 * Reads a YAML config and checks all of it.
 * @throws {ConcertinaError} FILE_ACCESS, or INVALID_INPUT with file:line:column, the key and what is allowed.
 */
export function readConfig(file: string): ConfiguredOptions {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const wrong = code === 'ENOENT' ? 'there is no such file' : `cannot be read (${code})`
    throw new ConcertinaError('FILE_ACCESS', `${file}: ${wrong}`, { hint: 'a YAML config file' })
  }
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const places = new Places(file, document, lines)
  const [broken] = document.errors
  if (broken) {
    throw new ConcertinaError('INVALID_INPUT', `${places.at(broken.pos[0])}: ${broken.message}`, {
      hint: 'YAML',
    })
  }
  const value: unknown = document.toJS() ?? {}
  const parsed = configSchema.safeParse(value)
  if (!parsed.success) throw fromIssue(parsed.error.issues[0]!, places, value)
  return toOptions(parsed.data, places, dirname(file))
}

function toOptions(config: Config, places: Places, folder: string): ConfiguredOptions {
  const { load, traffic, autoScaler, server, ...rest } = config
  const spec = load && resolveFiles(load, folder)
  const time = (path: Path, value: Parameters<typeof distribution>[0] | undefined) =>
    value && located(places, path, () => distribution(value))
  const policySpec = autoScaler?.policy
  const policy = policySpec && located(places, ['autoScaler', 'policy'], () => createPolicy(policySpec))
  const scaling = autoScaler && { ...autoScaler, policy }
  if (scaling) located(places, ['autoScaler'], () => new AutoScaler(scaling))
  return {
    ...rest,
    load: spec,
    pattern: spec && located(places, ['load'], () => createPattern(spec)),
    autoScaler: scaling,
    traffic: traffic && {
      ...traffic,
      thinkTime: time(['traffic', 'thinkTime'], traffic.thinkTime),
      session: time(['traffic', 'session'], traffic.session),
    },
    server: server && { ...server, serviceTime: time(['server', 'serviceTime'], server.serviceTime) },
  }
}
