/**
 * The path and the query of a request's target. It takes whatever a stranger may write there: `new URL` throws at some of it,
 * such as `//`.
 */
export function splitTarget(target = '/'): { path: string; query: URLSearchParams } {
  const mark = target.indexOf('?')
  return mark < 0
    ? { path: target, query: new URLSearchParams() }
    : { path: target.slice(0, mark), query: new URLSearchParams(target.slice(mark + 1)) }
}
