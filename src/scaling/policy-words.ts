/** A policy as plain data; what else it has depends on its kind. */
interface Spec {
  readonly kind: string
}

/** `scaleUpThreshold` → `scale up threshold`. */
export function optionWords(key: string): string {
  return key.replace(/[A-Z]+/g, (letters) => ` ${letters.toLowerCase()}`)
}

const isPolicy = (value: unknown): value is Spec =>
  typeof value === 'object' && value !== null && 'kind' in value

/** A value of an option in words. */
export function optionValue(value: unknown): string {
  if (isPolicy(value)) return policyWords(value)
  if (Array.isArray(value)) {
    const parts = value.map(optionValue)
    return value.some((each) => typeof each === 'object') ? parts.join('; ') : parts.join(', ')
  }
  if (typeof value === 'object' && value !== null)
    return Object.entries(value)
      .map(([key, each]) => `${optionWords(key)} ${bracketed(each)}`)
      .join(', ')
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  return String(value)
}

/** Lists of things are put in brackets, so that one sees where they end. */
function bracketed(value: unknown): string {
  const words = optionValue(value)
  return typeof value === 'object' && !isPolicy(value) ? `(${words})` : words
}

/** The options of a policy as names and values in words; those that have their default are not among them. */
export function policyOptions(spec: Spec): [option: string, value: string][] {
  return Object.entries(spec)
    .filter(([key, value]) => key !== 'kind' && value !== undefined)
    .map(([key, value]) => [optionWords(key), optionValue(value)])
}

/** A policy in words: `threshold (scale up threshold 15)`. */
export function policyWords(spec: Spec): string {
  const options = Object.entries(spec).filter(([key, value]) => key !== 'kind' && value !== undefined)
  if (options.length === 0) return spec.kind
  if ('policies' in spec) return `${spec.kind} of [${optionValue(spec.policies)}]`
  return `${spec.kind} (${options.map(([key, value]) => `${optionWords(key)} ${bracketed(value)}`).join(', ')})`
}
