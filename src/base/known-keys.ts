import { invalidInput, shown } from './errors.ts'
import { suggest } from './suggest.ts'

/** Every option of `T`; the compiler sees to it that none is left out. */
export type KeysOf<T> = Readonly<Record<keyof Required<T>, true>>

/**
 * Rejects options that there are not, where functions and other things made in code keep them from having a schema.
 * @param where the option that holds them; empty for the outermost
 * @throws {ConcertinaError} INVALID_INPUT, naming the first that is not known.
 */
export function requireKnown<T extends object>(where: string, options: T, known: KeysOf<T>): void {
  const names = Object.keys(known)
  if (typeof options !== 'object' || options === null)
    throw invalidInput(
      where || 'the options',
      `${shown(options)} is not allowed`,
      `the keys ${names.join(', ')}`,
    )
  const unknown = Object.keys(options).find((key) => !Object.hasOwn(known, key))
  if (unknown === undefined) return
  throw invalidInput(where ? `${where}.${unknown}` : unknown, 'there is no such key', suggest(unknown, names))
}

/** What `known` has of options that may hold others, too, for a function that would reject those. */
export function onlyKnown<T extends object>(options: T, known: KeysOf<T>): T {
  return Object.fromEntries(Object.entries(options).filter(([key]) => Object.hasOwn(known, key))) as T
}

/** Rejects what has not the methods of a thing that is made in code. */
export function requireMethods<T extends object>(
  where: string,
  made: T,
  ...methods: readonly (keyof T & string)[]
): void {
  const missing = methods.find((method) => typeof made?.[method] !== 'function')
  if (missing === undefined) return
  const wrong =
    typeof made === 'object' && made !== null ? `it has no ${missing}` : `${shown(made)} is not allowed`
  throw invalidInput(where, wrong, `an object with the methods ${methods.join(', ')}`)
}
