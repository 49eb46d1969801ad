/** Writes the JSON Schema of the config file, for editors. */
import { writeFileSync } from 'node:fs'
import { configJsonSchema } from '../src/cli/config/schema.ts'

const target = new URL('../schema/concertina.schema.json', import.meta.url)
writeFileSync(target, `${JSON.stringify(configJsonSchema(), null, 2)}\n`)
