import { optionMeaning, optionName } from '../../src/scaling/option-words.ts'
import { optionWords } from '../../src/scaling/policy-words.ts'
import { button, make } from '../lib/dom.ts'
import { language } from '../lib/language.ts'
import {
  box,
  choice,
  entry,
  type Field,
  type FieldSchema,
  newId,
  type PolicyOption,
  row,
} from './form-controls.ts'
import { texts } from './texts.ts'

type Values = Record<string, unknown>

/** `scaleUpThreshold` → `Scale up threshold`. */
function words(key: string): string {
  const name = optionName(optionWords(key), language)
  return name[0]!.toUpperCase() + name.slice(1)
}

/** Shows that the form was edited by a button of it. */
const edited = (element: HTMLElement) => element.dispatchEvent(new Event('input', { bubbles: true }))

/** The fields of the options of an object, which they are added to `holder` for. */
function optionFields(
  holder: HTMLElement,
  { properties = {}, required = [] }: FieldSchema,
  example: Values,
  kinds: PolicyOption['kinds'],
): Pick<Field, 'read' | 'write'> {
  const fields = new Map<string, Field>()
  for (const [key, schema] of Object.entries(properties)) {
    if (schema.const !== undefined) continue
    const field = makeField({
      label: words(key),
      schema,
      required: required.includes(key),
      example: example[key] ?? schema.examples?.[0],
      kinds,
    })
    fields.set(key, field)
    holder.append(field.element)
  }
  return {
    read: () => {
      const values = [...fields].map(([key, field]) => [key, field.read()] as const)
      return Object.fromEntries(values.filter(([, value]) => value !== undefined))
    },
    write: (value) => {
      for (const [key, field] of fields) field.write((value as Values)[key])
    },
  }
}

/** A choice of the kind of a policy, and the fields of that kind. */
export class KindFields {
  readonly #select: HTMLSelectElement
  readonly #holder: HTMLElement
  #kinds: ReadonlyMap<string, FieldSchema> = new Map()
  #options: Pick<Field, 'read' | 'write'> | undefined

  constructor(select: HTMLSelectElement, holder: HTMLElement) {
    this.#select = select
    this.#holder = holder
  }

  offer(kinds: ReadonlyMap<string, FieldSchema>): void {
    this.#kinds = kinds
    const chosen = this.#select.value
    this.#select.replaceChildren(...[...kinds.keys()].map((kind) => new Option(kind)))
    if (kinds.has(chosen)) this.#select.value = chosen
  }

  /** Makes the fields of the chosen kind, filled with `values` where they are of this kind. */
  show(values?: Values): void {
    const kind = this.#kinds.get(this.#select.value)
    this.#holder.replaceChildren()
    this.#options = kind && optionFields(this.#holder, kind, {}, this.#kinds)
    if (values?.kind === this.#select.value) this.#options?.write(values)
  }

  read(): Values & { kind: string } {
    return { kind: this.#select.value, ...(this.#options?.read() as Values | undefined) }
  }

  write(values: Values): void {
    this.#select.value = String(values.kind)
    this.show(values)
  }
}

function makeField(option: PolicyOption): Field {
  const { schema } = option
  if (schema.enum) return row(option, choice(option))
  if (schema.$ref || schema.type === 'object') return partGroup(option)
  switch (schema.type) {
    case 'number':
    case 'integer':
    case 'string':
      return row(option, entry(option))
    case 'boolean':
      return row(option, box(option))
    case 'array':
      return listGroup(option)
    default:
      throw new Error(`${option.label}: the form has no field for it`)
  }
}

/** Fields that belong together; they are named `label`. */
function group(label: string | Node, description?: string): HTMLFieldSetElement {
  const element = make('fieldset', 'group')
  const legend = make('legend')
  legend.append(label)
  element.append(legend)
  if (description) element.append(make('small', 'quiet', optionMeaning(description, language)))
  return element
}

/** Adds to `holder` what an option consists of, without its name where it has parts. */
function addContent(holder: HTMLElement, option: PolicyOption): Pick<Field, 'read' | 'write'> {
  const { schema, example, kinds } = option
  if (schema.$ref)
    return policyFields(holder, kinds, (example ?? { kind: kinds.keys().next().value }) as Values)
  if (schema.type === 'object') {
    const begin = (example ?? {}) as Values
    const fields = optionFields(holder, schema, begin, kinds)
    fields.write(begin)
    return { read: fields.read, write: (value) => fields.write(value ?? begin) }
  }
  const field = makeField(option)
  holder.append(field.element)
  return field
}

/** A policy within a policy. */
function policyFields(holder: HTMLElement, kinds: PolicyOption['kinds'], begin: Values) {
  const select = make('select')
  const name = make('label', '', texts.policy)
  const line = make('div', 'field')
  select.id = newId()
  name.htmlFor = select.id
  line.append(name, select)
  const options = make('div')
  holder.append(line, options)
  const fields = new KindFields(select, options)
  fields.offer(kinds)
  select.addEventListener('input', () => fields.show())
  fields.write(begin)
  return { read: () => fields.read(), write: (value: unknown) => fields.write((value ?? begin) as Values) }
}

/** Options that belong together; where they may be left out, a box says whether they are there. */
function partGroup(option: PolicyOption): Field {
  const { label, schema, required } = option
  const holder = make('div')
  const content = addContent(holder, option)
  if (required) {
    const element = group(label, schema.description)
    element.append(holder)
    return { element, ...content }
  }
  const there = make('input')
  there.type = 'checkbox'
  const name = make('label')
  name.append(there, ` ${label}`)
  const element = group(name, schema.description)
  const show = () => {
    // The browser does not check what is left out.
    if (there.checked) element.append(holder)
    else holder.remove()
  }
  there.addEventListener('input', show)
  return {
    element,
    read: () => (there.checked ? content.read() : undefined),
    write: (value) => {
      there.checked = value !== undefined
      content.write(value)
      show()
    },
  }
}

interface Item extends Pick<Field, 'read'> {
  readonly element: HTMLFieldSetElement
  readonly up: HTMLButtonElement
  readonly remove: HTMLButtonElement
}

/** Any number of the same, in an order that can be changed. */
function listGroup({ label, schema, required, example, kinds }: PolicyOption): Field {
  const examples = (example ?? []) as readonly unknown[]
  const least = required ? (schema.minItems ?? 0) : 0
  const element = group(label, schema.description)
  const list = make('div')
  const add = button(texts.add, () => {
    append(examples[items.length] ?? examples.at(-1))
      .querySelector<HTMLElement>('select, input')
      ?.focus()
    edited(element)
  })
  add.setAttribute('aria-label', texts.addTo(label))
  element.append(list, add)
  let items: Item[] = []

  function append(value: unknown): HTMLElement {
    const one = group('')
    const buttons = make('div', 'item-buttons')
    const up = button('↑', () => {
      const at = items.indexOf(item)
      items.splice(at - 1, 0, ...items.splice(at, 1))
      refresh()
      edited(element)
    })
    const remove = button(texts.remove, () => {
      items = items.filter((each) => each !== item)
      refresh()
      add.focus()
      edited(element)
    })
    buttons.append(up, remove)
    const { read } = addContent(one, {
      label,
      schema: schema.items!,
      required: true,
      example: value,
      kinds,
    })
    one.append(buttons)
    const item: Item = { element: one, up, remove, read }
    items.push(item)
    refresh()
    return one
  }

  /** Numbers the items, and lets only those buttons be pressed that can do something. */
  function refresh(): void {
    for (const [i, item] of items.entries()) {
      const name = `${label} ${i + 1}`
      item.element.querySelector('legend')!.textContent = name
      item.up.setAttribute('aria-label', texts.moveUp(name))
      item.up.disabled = i === 0
      item.remove.setAttribute('aria-label', texts.removeItem(name))
      item.remove.disabled = items.length <= least
    }
    list.replaceChildren(...items.map((item) => item.element))
  }

  const write = (value: unknown) => {
    items = []
    for (const each of (value ?? (required ? examples : [])) as readonly unknown[]) append(each)
    refresh()
  }
  write(undefined)
  return { element, read: () => (items.length === 0 ? undefined : items.map(({ read }) => read())), write }
}
