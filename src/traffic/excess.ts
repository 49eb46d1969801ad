/** What a load that goes on a straight line from `a` to `b` has above `capacity`, in the mean over the line. */
export function excessOfLine(a: number, b: number, capacity: number): number {
  const low = Math.min(a, b)
  const high = Math.max(a, b)
  if (high <= capacity) return 0
  if (low >= capacity) return (a + b) / 2 - capacity
  return ((high - capacity) * (high - capacity)) / (high - low) / 2
}
