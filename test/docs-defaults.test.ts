import { expect, it } from 'vitest'
import { z } from 'zod'
import { configSchema } from '../src/cli/config/schema.ts'
import { OptionFlag } from '../src/cli/option-flag.ts'
import { OPTION_SETS } from '../src/cli/option-sets.ts'
import { program } from '../src/cli/program.ts'
import { policySchema } from '../src/scaling/policies.ts'
import { readDoc } from './support/markdown.ts'

interface Schema {
  readonly default?: unknown
  readonly const?: unknown
  readonly properties?: Readonly<Record<string, Schema>>
  readonly oneOf?: readonly Schema[]
  readonly definitions?: Readonly<Record<string, Schema>>
  readonly $ref?: string
}

const jsonOf = (schema: z.ZodType) =>
  z.toJSONSchema(schema, { target: 'draft-7', io: 'input', unrepresentable: 'any' }) as Schema

/** What a cell says of a default, as the value that it stands for: `20,000 a server` is 20000. */
function valueIn(cell: string): unknown {
  const number = /^`?(-?\d[\d,]*(?:\.\d+)?)`?(?![\d.])/.exec(cell)?.[1]
  if (number !== undefined) return Number(number.replaceAll(',', ''))
  return cell === 'true' || cell === 'false' ? cell === 'true' : cell.replaceAll('`', '').replace(/,.*/, '')
}

/** Rows of the tables of a page that have a name, or several, and as many defaults. */
function rows(page: string, head: RegExp): [name: string, value: unknown][] {
  const sections = readDoc(page)
    .split(/\n\n/)
    .filter((part) => head.test(part))
  expect(sections.length, page).toBeGreaterThan(0)
  return sections.flatMap((section) =>
    section.split('\n').flatMap((line) => {
      const [, names = '', defaults = ''] =
        line.split(' | ').length > 2 ? ['', ...line.slice(2).split(' | ')] : []
      const found = [...names.matchAll(/`([^`]+)`/g)].map(([, name]) => name!)
      const values = defaults.split(/, (?=\S)/)
      if (found.length !== values.length && found.length > 1) return []
      let before = ''
      return found.map((name, i): [string, unknown] => {
        const whole = name.startsWith('.') ? before + name : name
        before = whole.replace(/\.[^.]*$/, '')
        return [whole, valueIn(found.length > 1 ? values[i]! : defaults)]
      })
    }),
  )
}

/** Those that say another default than the schema, where that has one. */
function wrong(rows: readonly [string, unknown][], defaultOf: (name: string) => unknown): string[] {
  const known = rows.filter(([name]) => defaultOf(name) !== undefined)
  expect(known.length).toBeGreaterThan(2)
  return known
    .filter(([name, value]) => defaultOf(name) !== value)
    .map(([name, value]) => `${name}: ${value} is ${defaultOf(name)}`)
}

it('docs/fleet.md gives the defaults of the config', () => {
  const live = jsonOf(configSchema).properties!.live
  const at = (name: string) =>
    name.split('.').reduce<Schema | undefined>((schema, key) => schema?.properties?.[key], live)?.default
  expect(wrong(rows('docs/fleet.md', /^\| key of `live`/), at)).toEqual([])
})

it('docs/compare.md gives the defaults of the flags', () => {
  const compare = program([]).commands.find((command) => command.name() === 'compare')!
  const at = (name: string) => {
    const option = compare.options.find(({ long }) => long === name)
    if (!(option instanceof OptionFlag)) return undefined
    const [set, key] = option.declared.split('.') as [keyof typeof OPTION_SETS, string]
    return ((OPTION_SETS[set] as z.ZodRawShape)[key] as z.ZodType).meta()?.default
  }
  expect(wrong(rows('docs/compare.md', /^\| flag \| default/), at)).toEqual([])
})

it('docs/policies.md and docs/slo.md give the defaults of the policies', () => {
  const json = jsonOf(policySchema)
  const kinds = (json.oneOf ?? Object.values(json.definitions ?? {}).find((each) => each.oneOf)?.oneOf)!
  const defaults = (kind: string) =>
    kinds.find((each) => each.properties?.kind?.const === kind)?.properties ?? {}
  const stated = readDoc('docs/policies.md')
    .split('\n')
    .flatMap((line): [string, unknown][] => {
      const kind = /^\| \[?`([\w-]+)`/.exec(line)?.[1]
      const options = line.split(' | ')[2] ?? ''
      return kind === undefined
        ? []
        : [...options.matchAll(/`(\w+)` (-?\d[\d.]*)(?![-\w])/g)].map(([, name, value]) => [
            `${kind}.${name}`,
            Number(value),
          ])
    })
  const at = (path: string) => {
    const [kind, name] = path.split('.') as [string, string]
    return defaults(kind)[name]?.default
  }
  expect(wrong(stated, at)).toEqual([])
  const slo = rows('docs/slo.md', /^\| option \| default/)
  expect(wrong(slo, (name) => defaults('slo')[name]?.default)).toEqual([])
})
