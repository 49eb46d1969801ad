import { stringify } from 'yaml'
import { SECRETS } from '../../base/options.ts'

/** Keys of maps whose every value is secret. */
const SECRET_MAPS: ReadonlySet<string> = new Set(['headers'])
const MASK = '***'

function masked(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(masked)
  if (typeof value === 'string') return value.replace(/(?<=^\w+:\/\/)[^/@\s]*@/, `${MASK}@`)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [
      key,
      SECRETS.has(key) ? MASK : SECRET_MAPS.has(key) ? allMasked(each) : masked(each),
    ]),
  )
}

const allMasked = (map: object) => Object.fromEntries(Object.keys(map).map((key) => [key, MASK]))

/** A config as YAML, without its secrets. */
export const printableConfig = (config: object): string => stringify(masked(config))
