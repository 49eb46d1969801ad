/** What was learned as plain data: six digits are enough, and keep the file small. */
export const stored = (values: Float64Array): number[] =>
  Array.from(values, (value) => Number(value.toPrecision(6)))

/** Takes over what was stored of as many of the same. @throws {RangeError} when they are not as many */
export function takeOver(own: Float64Array, values: readonly number[], what: string): void {
  if (values.length !== own.length)
    throw new RangeError(`${values.length} ${what} where there are ${own.length}`)
  own.set(values)
}
