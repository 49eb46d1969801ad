import { dirname, resolve } from 'node:path'
import { type Alias, type Document, isMap, isNode, isScalar, LineCounter, parseDocument, visit } from 'yaml'
import type { z } from 'zod'
import { distribution } from '../../base/distribution.ts'
import { ConcertinaError, shown } from '../../base/errors.ts'
import { problemOf } from '../../base/options.ts'
import { readTextFile } from '../../base/text-file.ts'
import { AutoScaler, type AutoScalerOptions } from '../../scaling/auto-scaler.ts'
import { ScalingLimits } from '../../scaling/limits.ts'
import { createPolicy, POLICY_KINDS } from '../../scaling/policies.ts'
import type { SimulationOptions } from '../../simulation/options.ts'
import type { TelemetryOptions } from '../../telemetry/options.ts'
import type { LoadPattern } from '../../traffic/load-pattern.ts'
import { createPattern, type PatternSpec } from '../../traffic/patterns.ts'
import { PARSE_OPTIONS, repeatedKey } from '../yaml.ts'
import { applyEnvironment } from './environment.ts'
import type { LiveConfig } from './live-options.ts'
import { printableConfig } from './print.ts'
import { type Config, configSchema, type NamedPolicy } from './schema.ts'

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
class SourceLocations {
  readonly #file: string
  readonly #document: Document
  readonly #lines: LineCounter
  /** Variables of the environment by the keys that they set. */
  variables: ReadonlyMap<string, string> = new Map()

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
    const variable = this.#variableOf(path)
    if (variable !== undefined) return variable
    for (let n = path.length; n >= 0; n--) {
      const node =
        n === 0 ? this.#document.contents : this.#document.getIn(path.slice(0, n) as string[], true)
      if (isNode(node) && node.range) return this.at(node.range[0])
    }
    return this.at(0)
  }

  #variableOf(path: Path): string | undefined {
    for (let n = path.length; n > 0; n--) {
      const variable = this.variables.get(path.slice(0, n).join('.'))
      if (variable !== undefined) return variable
    }
    return undefined
  }

  ofKey(path: Path, key: string): string {
    const variable = this.#variableOf([...path, key])
    if (variable !== undefined) return variable
    const map = path.length === 0 ? this.#document.contents : this.#document.getIn(path as string[], true)
    const pair = isMap(map)
      ? map.items.find((item) => isScalar(item.key) && item.key.value === key)
      : undefined
    return pair && isScalar(pair.key) && pair.key.range ? this.at(pair.key.range[0]) : this.of(path)
  }
}

function fromIssue(issue: z.core.$ZodIssue, places: SourceLocations, value: unknown): ConcertinaError {
  const { path, key, allowed, wrong } = problemOf(issue, configSchema, value)
  const name = [...path, ...(key === undefined ? [] : [key])]
    .map((each) => shown(String(each), false))
    .join('.')
  const place = key === undefined ? places.of(path) : places.ofKey(path, key)
  return new ConcertinaError('INVALID_INPUT', `${place}: ${name || 'the config'}: ${wrong}`, {
    hint: allowed,
  })
}

/** Runs `make`, and says of an error in an option in which line of the config the option is. */
function located<T>(places: SourceLocations, path: Path, make: () => T): T {
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

function childrenOf(spec: PatternSpec): readonly (readonly [Path, PatternSpec])[] {
  if ('patterns' in spec) return spec.patterns.map((each, i) => [['patterns', i], each] as const)
  return 'pattern' in spec ? [[['pattern'], spec.pattern]] : []
}

/** Makes a load pattern; an error names the innermost pattern that has it. */
function locatedPattern(places: SourceLocations, path: Path, spec: PatternSpec): LoadPattern {
  try {
    return createPattern(spec)
  } catch (error) {
    for (const [below, child] of childrenOf(spec)) locatedPattern(places, [...path, ...below], child)
    if (spec.kind === 'trace' && error instanceof ConcertinaError && error.code === 'FILE_ACCESS') {
      const file = [...path, 'file']
      throw new ConcertinaError('FILE_ACCESS', `${places.of(file)}: ${file.join('.')}: ${error.message}`, {
        hint: error.hint,
      })
    }
    return located(places, path, () => {
      throw error
    })
  }
}

/** The document as plain data; aliases that lead nowhere, to themselves or to very much are rejected. */
function plainData(document: Document, places: SourceLocations): unknown {
  try {
    const value: unknown = document.toJS() ?? {}
    JSON.stringify(value) // throws when something contains itself
    return value
  } catch {
    const aliases: Alias[] = []
    visit(document, { Alias: (_, alias) => void aliases.push(alias) })
    const alias = aliases.find((each) => !each.resolve(document)) ?? aliases[0]
    const place = places.at(alias?.range?.[0] ?? 0)
    throw new ConcertinaError('INVALID_INPUT', `${place}: *${alias?.source}: this alias cannot be followed`, {
      hint: 'an alias of an anchor (&name) that comes before it and does not contain it, not too many times over',
    })
  }
}

/** What a config file says, as the simulation's options; without `pattern` when it has no `load`. */
export type ConfiguredOptions = Omit<Partial<SimulationOptions>, 'autoScaler'> & {
  autoScaler?: AutoScalerOptions
  load?: PatternSpec
  live?: LiveConfig
  telemetry?: TelemetryOptions
  policies?: Record<string, NamedPolicy>
}

interface ReadConfig {
  readonly value: Record<string, unknown>
  readonly places: SourceLocations
}

/** What is wrong with a YAML file, where its parser says it in terms of its own. */
const WORDS: ReadonlyMap<string, string> = new Map([
  ['MULTIPLE_DOCS', 'a second document begins here'],
  ['RESOURCE_EXHAUSTION', 'it is nested too deep'],
])

/** The config file, if any, and what variables of the environment say in its place; not checked yet. */
function readData(file: string | undefined): ReadConfig {
  const text = file === undefined ? '' : readTextFile(file, 'a YAML config file').replace(/^\uFEFF/, '')
  const lines = new LineCounter()
  const document = parseDocument(text, { ...PARSE_OPTIONS, lineCounter: lines })
  const places = new SourceLocations(file ?? 'the config', document, lines)
  const [broken] = document.errors
  if (broken) {
    const wrong = WORDS.get(broken.code) ?? broken.message
    throw new ConcertinaError('INVALID_INPUT', `${places.at(broken.pos[0])}: ${wrong}`, {
      hint: 'one YAML document',
    })
  }
  const repeated = repeatedKey(document)
  if (repeated) {
    const { key, offset } = repeated
    throw new ConcertinaError(
      'INVALID_INPUT',
      `${places.at(offset)}: ${shown(key, false)}: it is there twice`,
      {
        hint: 'each key once',
      },
    )
  }
  const value = plainData(document, places) as Record<string, unknown>
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    places.variables = applyEnvironment(value)
  return { value, places }
}

function parsedConfig({ value, places }: ReadConfig): Config {
  const parsed = configSchema.safeParse(value)
  if (!parsed.success) throw fromIssue(parsed.error.issues[0]!, places, value)
  return parsed.data
}

/**
 * Reads a YAML config and the variables that stand for its keys, and checks all of it.
 * @throws {ConcertinaError} FILE_ACCESS, or INVALID_INPUT with file:line:column or the variable, the key and what is allowed.
 */
export function readConfig(file: string | undefined): ConfiguredOptions {
  return readChecked(file).options
}

/** The same config as YAML, without its secrets. */
export function readPrintable(file: string | undefined): string {
  return printableConfig(readChecked(file).config)
}

/** A config as it was written, and as the options that it makes. */
export interface CheckedConfig {
  readonly config: Config
  readonly options: ConfiguredOptions
}

/** As `readConfig`, with the config as it was written. */
export function readChecked(file: string | undefined): CheckedConfig {
  const read = readData(file)
  const config = parsedConfig(read)
  return { config, options: toOptions(config, read.places, file === undefined ? '.' : dirname(file)) }
}

function checkNamed(places: SourceLocations, name: string, { policy, ...limits }: NamedPolicy): void {
  if (POLICY_KINDS.includes(name)) {
    const place = places.ofKey(['policies'], name)
    throw new ConcertinaError('INVALID_INPUT', `${place}: policies.${name}: this is the name of a kind`, {
      hint: 'another name',
    })
  }
  located(places, ['policies', name, 'policy'], () => createPolicy(policy))
  located(places, ['policies', name], () => new ScalingLimits(limits))
}

function toOptions(config: Config, places: SourceLocations, folder: string): ConfiguredOptions {
  const { load, traffic, autoScaler, server, ...rest } = config
  const spec = load && resolveFiles(load, folder)
  const time = (path: Path, value: Parameters<typeof distribution>[0] | undefined) =>
    value && located(places, path, () => distribution(value))
  const policyAt = (key: 'policy' | 'shadow') => {
    const policy = autoScaler?.[key]
    return policy && located(places, ['autoScaler', key], () => createPolicy(policy))
  }
  const scaling = autoScaler && { ...autoScaler, policy: policyAt('policy'), shadow: policyAt('shadow') }
  if (scaling) located(places, ['autoScaler'], () => new AutoScaler(scaling))
  for (const [name, named] of Object.entries(config.policies ?? {})) checkNamed(places, name, named)
  return {
    ...rest,
    load: spec,
    pattern: spec && locatedPattern(places, ['load'], spec),
    autoScaler: scaling,
    traffic: traffic && {
      ...traffic,
      thinkTime: time(['traffic', 'thinkTime'], traffic.thinkTime),
      session: time(['traffic', 'session'], traffic.session),
    },
    server: server && { ...server, serviceTime: time(['server', 'serviceTime'], server.serviceTime) },
  }
}
