const itself = (item: unknown) => item as number

/** How many numbers of a sorted list, the lowest first, are below `value`. */
export function countBelow(sorted: ArrayLike<number>, value: number): number
/** How many items of a list, sorted by `keyOf`, the lowest first, are below `value`. */
export function countBelow<T>(sorted: ArrayLike<T>, value: number, keyOf: (item: T) => number): number
export function countBelow<T>(
  sorted: ArrayLike<T>,
  value: number,
  keyOf: (item: T) => number = itself,
): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (keyOf(sorted[middle]!) < value) low = middle + 1
    else high = middle
  }
  return low
}
