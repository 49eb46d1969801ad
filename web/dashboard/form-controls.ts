import { optionMeaning, valueName } from '../../src/scaling/option-words.ts'
import { make } from '../lib/dom.ts'
import { language } from '../lib/language.ts'
import { texts } from './texts.ts'

/** What the form knows of a JSON schema. */
export interface FieldSchema {
  readonly const?: string
  readonly type?: string
  readonly enum?: readonly string[]
  readonly minimum?: number
  readonly maximum?: number
  readonly exclusiveMinimum?: number
  readonly description?: string
  readonly default?: unknown
  readonly examples?: readonly unknown[]
  readonly properties?: Readonly<Record<string, FieldSchema>>
  readonly required?: readonly string[]
  readonly items?: FieldSchema
  readonly minItems?: number
  /** Of a policy within a policy. */
  readonly $ref?: string
}

/** A part of a form and what it says; `undefined` leaves the option out. */
export interface Field {
  readonly element: HTMLElement
  read(): unknown
  write(value: unknown): void
}

/** An option of a policy that wants a field. */
export interface PolicyOption {
  readonly label: string
  readonly schema: FieldSchema
  readonly required: boolean
  /** What it begins with where nothing was chosen. */
  readonly example: unknown
  /** The kinds of policy, for a policy within a policy. */
  readonly kinds: ReadonlyMap<string, FieldSchema>
}

let made = 0
/** For an element and what refers to it. */
export const newId = () => `field-${++made}`

interface Control {
  readonly element: HTMLInputElement | HTMLSelectElement
  read(): unknown
  write(value: unknown): void
}

/** A control with its label and what it means. */
export function row({ label: name, schema }: PolicyOption, control: Control): Field {
  const element = make('div', 'field')
  const label = make('label', '', name)
  const hint = make('small', 'quiet', optionMeaning(schema.description ?? '', language))
  control.element.id = newId()
  label.htmlFor = control.element.id
  hint.id = `${control.element.id}-hint`
  if (schema.description) control.element.setAttribute('aria-describedby', hint.id)
  element.append(label, control.element, hint)
  return { element, read: control.read, write: control.write }
}

export function choice({
  schema: { enum: values = [], default: usual },
  required,
  example,
}: PolicyOption): Control {
  const select = make('select')
  if (usual === undefined && !required) select.append(new Option(texts.byDefault, ''))
  for (const value of values) select.append(new Option(valueName(value, language), value))
  const begin = String(usual ?? (required ? (example ?? values[0]) : ''))
  select.value = begin
  return {
    element: select,
    read: () => (select.value === usual || select.value === '' ? undefined : select.value),
    write: (value) => {
      select.value = value === undefined ? begin : String(value)
    },
  }
}

export function entry({ schema, required, example }: PolicyOption): Control {
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
  const begin = required ? String(example ?? '') : ''
  input.value = begin
  return {
    element: input,
    read: () => (input.value === '' ? undefined : number ? input.valueAsNumber : input.value),
    write: (value) => {
      input.value = value === undefined ? begin : String(value)
    },
  }
}

export function box({ schema: { default: usual = false } }: PolicyOption): Control {
  const input = make('input')
  input.type = 'checkbox'
  input.checked = usual === true
  return {
    element: input,
    read: () => (input.checked === usual ? undefined : input.checked),
    write: (value) => {
      input.checked = (value ?? usual) === true
    },
  }
}
