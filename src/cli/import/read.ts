import { parseAllDocuments } from 'yaml'
import { ConcertinaError, invalidInput, shown } from '../../base/errors.ts'
import { within } from '../../base/options.ts'
import { readTextFile } from '../../base/text-file.ts'
import { AutoScaler } from '../../scaling/auto-scaler.ts'
import { createPolicy } from '../../scaling/policies.ts'
import { PARSE_OPTIONS, repeatedKey } from '../yaml.ts'
import { awsImporter } from './aws.ts'
import { Fields } from './fields.ts'
import { hpaImporter } from './hpa.ts'
import type { Imported, ImportOptions } from './imported.ts'
import { kedaImporter } from './keda.ts'

/** The registry: a line for each kind of file. */
const IMPORTERS = [hpaImporter, kedaImporter, awsImporter]

/** What a file may hold, for messages and help. */
const IMPORTED_KINDS = IMPORTERS.map(({ description }) => description)

interface Named {
  readonly metadata?: { readonly name?: unknown }
  readonly PolicyName?: unknown
}

/** The documents of a file, with each item of a `List` as one. */
function documentsIn(text: string, file: string): unknown[] {
  const documents = parseAllDocuments(text, PARSE_OPTIONS)
  return [...documents].flatMap((document) => {
    const wrong = (offset: number, what: string) => {
      const line = text.slice(0, offset).split('\n').length
      return new ConcertinaError('INVALID_INPUT', `${file}:${line}: ${shown(what, false)}`, {
        hint: 'YAML or JSON',
      })
    }
    const [broken] = document.errors
    if (broken) throw wrong(broken.pos[0], broken.message)
    const repeated = repeatedKey(document)
    if (repeated) throw wrong(repeated.offset, `${repeated.key} is there twice`)
    let value: unknown
    try {
      value = document.toJS({ maxAliasCount: 100 })
    } catch {
      throw invalidInput(file, 'an alias cannot be followed', 'YAML or JSON')
    }
    const { kind, items } = (value ?? {}) as { kind?: unknown; items?: unknown }
    return typeof kind === 'string' && kind.endsWith('List') && Array.isArray(items) ? items : [value]
  })
}

/**
 * Makes our config from an existing scaling policy: a HorizontalPodAutoscaler, a ScaledObject, a policy of AWS.
 * @param name which one, where the file has several
 * @throws {ConcertinaError} FILE_ACCESS, or INVALID_INPUT that names the file and the field.
 */
export function importPolicy(
  file: string,
  options: ImportOptions & { name?: string | undefined } = {},
): Imported {
  const text = readTextFile(file, IMPORTED_KINDS.join('; ')).replace(/^\uFEFF/, '')
  const documents = documentsIn(text, file)
  const found = documents.flatMap((document) => {
    const importer = IMPORTERS.find((each) => each.matches(document))
    const { metadata, PolicyName } = (document ?? {}) as Named
    return importer ? [{ importer, document, name: String(metadata?.name ?? PolicyName ?? '') }] : []
  })
  const candidates = options.name === undefined ? found : found.filter(({ name }) => name === options.name)
  const [only, ...more] = candidates
  if (!only && found.length > 0)
    throw invalidInput(
      'name',
      `${shown(options.name)} is not in the file`,
      found.map(({ name }) => shown(name, false)).join(', '),
    )
  if (!only) {
    const isEmpty = documents.every((document) => document == null)
    const wrong = isEmpty ? 'it is empty' : 'it has no scaling policy that is known'
    throw invalidInput(file, wrong, IMPORTED_KINDS.join('; '))
  }
  if (more.length > 0)
    throw invalidInput(
      file,
      `it has ${candidates.length} policies`,
      `--name ${candidates.map(({ name }) => shown(name, false)).join(' | ')}`,
    )
  const imported = only.importer.read(new Fields(only.document, file), file, options)
  const { policy, ...limits } = imported.autoScaler
  return within(file, () => {
    new AutoScaler({ ...limits, policy: createPolicy(policy) })
    return imported
  })
}
