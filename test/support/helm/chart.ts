import { spawnSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseAllDocuments } from 'yaml'
import { requireTool } from '../tools.ts'

const HELM = join(process.env.CONCERTINA_TEST_BIN ?? join(homedir(), '.cache/concertina-test/bin'), 'helm')

export const CHART = fileURLToPath(new URL('../../../deploy/helm/concertina', import.meta.url))

export function requireHelm(): boolean {
  return requireTool(
    existsSync(HELM),
    'the tests of the chart need Helm: run test/support/helm/build.sh (needs Go)',
  )
}

interface PodSpec {
  containers: { args: string[]; env?: object[]; [field: string]: unknown }[]
  volumes?: { configMap?: { name: string }; secret?: { secretName: string } }[]
  serviceAccountName?: string
  [field: string]: unknown
}

/** What the tests look at in an object of Kubernetes. */
export interface Manifest {
  kind: string
  metadata: { name: string; namespace?: string; labels?: Record<string, string> }
  data?: Record<string, string>
  rules?: { resources: string[]; [field: string]: unknown }[]
  spec?: {
    replicas?: number
    selector?: Record<string, unknown>
    podSelector?: { matchLabels?: Record<string, string> }
    template?: { metadata: { labels: Record<string, string> }; spec: PodSpec }
    [field: string]: unknown
  }
}

/** Helm, with files of its own in `folder`. */
export function helmIn(folder: string) {
  const env = {
    ...process.env,
    HELM_CACHE_HOME: join(folder, 'cache'),
    HELM_CONFIG_HOME: join(folder, 'config'),
    HELM_DATA_HOME: join(folder, 'data'),
  }
  let files = 0
  const withValues = (values: object) => {
    const file = join(folder, `values-${files++}.yaml`)
    writeFileSync(file, JSON.stringify(values))
    return ['--values', file]
  }
  const run = (...args: string[]) => spawnSync(HELM, args, { encoding: 'utf8', env })
  const must = (...args: string[]) => {
    const { status, stdout, stderr } = run(...args)
    if (status !== 0) throw new Error(`helm ${args.join(' ')}: ${stderr}${stdout}`)
    return stdout
  }
  return {
    run,
    must,
    withValues,
    /** What the chart makes of these values. */
    render(values: object, release = 'chat'): Manifest[] {
      const text = must('template', release, CHART, '--namespace', 'default', ...withValues(values))
      return documentsOf(text)
    },
  }
}

/** The objects of a file. */
export function documentsOf(text: string): Manifest[] {
  return parseAllDocuments(text).flatMap((document) => (document.toJS() as Manifest | null) ?? [])
}
