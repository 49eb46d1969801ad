import { invalidInput, shown } from '../../base/errors.ts'

/** What became of a field of the file. */
export interface FieldNote {
  /** `spec.minReplicas` */
  readonly path: string
  readonly verdict: 'taken' | 'approximated' | 'not supported'
  readonly text: string
}

type Path = readonly (string | number)[]

const dotted = (path: Path) =>
  path.reduce<string>(
    (text, key) =>
      typeof key === 'number' ? `${text}[${key}]` : `${text}${text && '.'}${shown(key, false)}`,
    '',
  )

/** Reads the fields of a document and notes what became of each; a field that is never read is not supported. */
export class Fields {
  readonly #document: unknown
  readonly #notes = new Map<string, FieldNote>()
  readonly #where: string

  /** @param where the file, for errors */
  constructor(document: unknown, where: string) {
    this.#document = document
    this.#where = where
  }

  /** The value at a path; `undefined` where it is missing. */
  at(...path: Path): unknown {
    return path.reduce<unknown>(
      (value, key) =>
        typeof value === 'object' && value !== null && Object.hasOwn(value, key)
          ? (value as Record<string | number, unknown>)[key]
          : undefined,
      this.#document,
    )
  }

  has(...path: Path): boolean {
    return this.at(...path) !== undefined
  }

  /** How many elements the list at a path has. */
  length(...path: Path): number {
    const value = this.at(...path)
    return Array.isArray(value) ? value.length : 0
  }

  text(...path: Path): string | undefined {
    const value = this.at(...path)
    return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined
  }

  /** A number, also as text or as a quantity of Kubernetes (`500m`, `1Gi`). */
  number(...path: Path): number | undefined {
    const value = this.at(...path)
    if (value === undefined || value === null) return undefined
    const number =
      typeof value === 'number' ? value : typeof value === 'string' ? quantity(value) : Number.NaN
    if (!Number.isFinite(number))
      throw invalidInput(`${this.#where}: ${dotted(path)}`, `${shown(value)} is not allowed`, 'a number')
    return number
  }

  taken(path: Path, text: string): void {
    this.#note(path, 'taken', text)
  }

  approximated(path: Path, text: string): void {
    this.#note(path, 'approximated', text)
  }

  unsupported(path: Path, text: string): void {
    this.#note(path, 'not supported', text)
  }

  /** Fields that say nothing of scaling, such as names and labels. */
  readonly #ignored = new Set<string>()

  ignore(...paths: readonly Path[]): void {
    for (const path of paths) this.#ignored.add(dotted(path))
  }

  #note(path: Path, verdict: FieldNote['verdict'], text: string): void {
    if (this.has(...path) || path.length === 0)
      this.#notes.set(dotted(path), { path: dotted(path), verdict, text })
  }

  /** A note for each field, in the order of the file. */
  notes(): FieldNote[] {
    const found: FieldNote[] = []
    const walk = (value: unknown, path: Path): void => {
      const name = dotted(path)
      const note = this.#notes.get(name)
      if (this.#ignored.has(name)) return
      if (note) {
        found.push(note)
        return
      }
      if (typeof value === 'object' && value !== null && Object.keys(value).length > 0) {
        for (const [key, inner] of Object.entries(value))
          walk(inner, [...path, Array.isArray(value) ? Number(key) : key])
      } else if (path.length > 0)
        found.push({ path: name, verdict: 'not supported', text: `${shown(value)} has no counterpart` })
    }
    walk(this.#document, [])
    return found
  }
}

const SUFFIXES: Readonly<Record<string, number>> = {
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
}

/** The number of a Kubernetes quantity; `NaN` for anything else. */
function quantity(text: string): number {
  const found = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)([a-zA-Z]*)$/.exec(text.trim())
  if (!found) return Number.NaN
  const factor = found[2] === '' ? 1 : SUFFIXES[found[2]!]
  return factor === undefined ? Number.NaN : Number((Number(found[1]) * factor).toPrecision(12))
}
