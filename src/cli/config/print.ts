import { stringify } from 'yaml'

/** Keys whose values are secret. */
const SECRETS: ReadonlySet<string> = new Set(['secret', 'previousSecrets', 'key', 'controlToken'])
const MASK = '***'

function masked(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(masked)
  if (typeof value === 'string') return value.replace(/(?<=^\w+:\/\/)[^/@\s]*@/, `${MASK}@`)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key, SECRETS.has(key) ? MASK : masked(each)]),
  )
}

/** A config as YAML, without its secrets. */
export const printableConfig = (config: object): string => stringify(masked(config))
