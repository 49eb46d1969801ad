/** The mean excess over `capacity` of a load that changes linearly from `a` to `b`. */
export function excessOfLine(a: number, b: number, capacity: number): number {
  const low = Math.min(a, b)
  const high = Math.max(a, b)
  if (high <= capacity) return 0
  if (low >= capacity) return (a + b) / 2 - capacity
  return ((high - capacity) * (high - capacity)) / (high - low) / 2
}
