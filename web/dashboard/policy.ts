import type { FleetSnapshot } from '../../src/control/control-target.ts'
import type { PolicySpec } from '../../src/scaling/policies.ts'
import { optionWords, policyWords } from '../../src/scaling/policy-words.ts'
import { byId, make, set } from './format.ts'
import { texts } from './texts.ts'

interface FieldSchema {
  readonly const?: string
  readonly type?: string
  readonly enum?: readonly string[]
  readonly minimum?: number
  readonly maximum?: number
  readonly exclusiveMinimum?: number
  readonly description?: string
  readonly default?: unknown
  readonly examples?: readonly unknown[]
}

interface KindSchema {
  readonly properties: Readonly<Record<string, FieldSchema>>
  readonly required: readonly string[]
}

/** The answer of `/api/policies`. */
export interface PolicySchema {
  readonly $defs: { readonly Policy: { readonly oneOf: readonly KindSchema[] } }
}

type Spec = Record<string, unknown> & { kind: string }

/** A field of the form, and what it says; `undefined` leaves the option out. */
interface Field {
  read(): unknown
  write(value: unknown): void
}

/** `scaleUpThreshold` → `Scale up threshold`. */
const words = (key: string) => key[0]!.toUpperCase() + optionWords(key).slice(1)

/** The policy and its parameters: a form made of the schema, filled with what is in force. */
export class PolicyForm {
  readonly #select = byId<HTMLSelectElement>('kind')
  readonly #holder = byId('fields')
  #kinds = new Map<string, KindSchema>()
  #fields = new Map<string, Field>()
  #inForce: PolicySpec | undefined
  #shown = ''
  /** Whether the user has begun to edit it: then the fleet's state does not overwrite it. */
  #touched = false

  /**
   * @param apply sends the spec; returns whether the fleet accepted it
   * @param tryOut replays the past under the spec
   * @param shadow takes the spec, for a policy that decides beside and never acts
   */
  constructor(
    apply: (spec: Spec) => Promise<boolean>,
    shadow: (spec: Spec) => Promise<boolean>,
    tryOut: (spec: PolicySpec) => Promise<void>,
    say: (problem: string) => void,
  ) {
    const form = byId('policy')
    form.addEventListener('input', ({ target }) => {
      this.#touched = true
      if (target === this.#select) this.#offer()
    })
    form.addEventListener('submit', async (event) => {
      event.preventDefault()
      const spec: Spec = { kind: this.#select.value }
      try {
        for (const [key, field] of this.#fields) {
          const value = field.read()
          if (value !== undefined) spec[key] = value
        }
      } catch (error) {
        say((error as Error).message)
        return
      }
      const { submitter } = event as SubmitEvent
      const asked = submitter instanceof HTMLButtonElement ? submitter.value : ''
      if (asked === 'shadow') await shadow(spec)
      else if (asked === 'what-if') await tryOut(spec as PolicySpec)
      else if (await apply(spec)) this.#touched = false
    })
  }

  /** Takes the kinds of policy that there are. */
  begin({ $defs }: PolicySchema): void {
    this.#kinds = new Map($defs.Policy.oneOf.map((schema) => [schema.properties.kind!.const!, schema]))
    const chosen = this.#select.value
    this.#select.replaceChildren(...[...this.#kinds.keys()].map((kind) => new Option(kind)))
    if (this.#kinds.has(chosen)) this.#select.value = chosen
    else this.#offer()
  }

  /** Shows what is in force, unless it is being edited. */
  show({ policy, policySpec }: FleetSnapshot): void {
    const shown = policySpec ? JSON.stringify(policySpec) : policy
    if (shown === this.#shown) return
    this.#shown = shown
    this.#inForce = policySpec
    set(byId('in-force'), 'textContent', texts.inForce(describe(policy, this.#inForce)))
    if (this.#touched || !policySpec) return
    this.#select.value = policySpec.kind
    this.#offer()
  }

  /** Makes the fields of the chosen kind. */
  #offer(): void {
    const kind = this.#kinds.get(this.#select.value)
    this.#fields = new Map()
    this.#holder.replaceChildren()
    if (!kind) return
    const current: Record<string, unknown> =
      this.#inForce?.kind === this.#select.value ? { ...this.#inForce } : {}
    for (const [key, schema] of Object.entries(kind.properties)) {
      if (key === 'kind') continue
      const required = kind.required.includes(key)
      const field = addField(this.#holder, key, schema, required)
      const value = current[key] ?? (required ? schema.examples?.[0] : undefined)
      if (value !== undefined) field.write(value)
      this.#fields.set(key, field)
    }
  }
}

/** The policy in words; one that was made in code has only its name. */
const describe = (name: string, spec: PolicySpec | undefined) =>
  spec ? policyWords(spec) : `${name}, ${texts.inCode}`

function addField(holder: HTMLElement, key: string, schema: FieldSchema, required: boolean): Field {
  const row = make('div', 'field')
  const id = `field-${key}`
  const label = make('label', '', words(key))
  label.htmlFor = id
  label.title = key
  const hint = make('small', 'quiet', schema.description)
  hint.id = `${id}-hint`
  const [control, field] = makeControl(key, schema, required)
  control.id = id
  control.setAttribute('aria-describedby', hint.id)
  if (control instanceof HTMLTextAreaElement) row.classList.add('wide')
  row.append(label, control, hint)
  holder.append(row)
  return field
}

type Control = HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement

function makeControl(key: string, schema: FieldSchema, required: boolean): [Control, Field] {
  if (schema.enum) return choice(schema)
  switch (schema.type) {
    case 'number':
    case 'integer':
    case 'string':
      return entry(schema, required)
    case 'boolean':
      return box(schema)
    default:
      return json(key, schema, required)
  }
}

function choice({ enum: values = [], default: usual }: FieldSchema): [Control, Field] {
  const select = make('select')
  for (const value of values) select.append(new Option(value))
  select.value = String(usual ?? values[0])
  return [
    select,
    {
      read: () => (select.value === usual ? undefined : select.value),
      write: (value) => {
        select.value = String(value)
      },
    },
  ]
}

function entry(schema: FieldSchema, required: boolean): [Control, Field] {
  const input = make('input')
  const number = schema.type !== 'string'
  input.required = required
  input.placeholder = String(schema.default ?? '')
  if (number) {
    input.type = 'number'
    input.step = schema.type === 'integer' ? '1' : 'any'
    const least = schema.minimum ?? schema.exclusiveMinimum
    if (least !== undefined) input.min = String(least)
    // Whole numbers have JavaScript's own bounds in the schema, which mean nothing to people.
    if (schema.maximum !== undefined && schema.maximum < Number.MAX_SAFE_INTEGER)
      input.max = String(schema.maximum)
  }
  return [
    input,
    {
      read: () => (input.value === '' ? undefined : number ? input.valueAsNumber : input.value),
      write: (value) => {
        input.value = String(value)
      },
    },
  ]
}

function box({ default: usual = false }: FieldSchema): [Control, Field] {
  const input = make('input')
  input.type = 'checkbox'
  input.checked = usual === true
  return [
    input,
    {
      read: () => (input.checked === usual ? undefined : input.checked),
      write: (value) => {
        input.checked = value === true
      },
    },
  ]
}

function json(key: string, { examples = [] }: FieldSchema, required: boolean): [Control, Field] {
  const area = make('textarea')
  area.rows = 3
  area.spellcheck = false
  area.required = required
  if (examples.length > 0) area.placeholder = JSON.stringify(examples[0])
  return [
    area,
    {
      read: () => {
        if (area.value.trim() === '') return undefined
        try {
          return JSON.parse(area.value)
        } catch {
          throw new Error(
            `${key}: it is not JSON${examples.length > 0 ? `; allowed: ${area.placeholder}` : ''}`,
          )
        }
      },
      write: (value) => {
        area.value = JSON.stringify(value)
      },
    },
  ]
}
