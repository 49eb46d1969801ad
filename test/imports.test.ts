import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { preProcessFile } from 'typescript'
import { describe, expect, it } from 'vitest'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** Folders from the bottom up; a folder may import from its own row or below. */
const LAYERS = [
  ['src/base', 'src/protocol', 'src/http', 'src/telemetry'],
  ['src/fleet', 'src/verify', 'src/load-sources'],
  ['src/pipeline'],
  ['src/traffic', 'src/scaling', 'src/balancing', 'src/metrics'],
  ['src/chat', 'src/client', 'src/server-api', 'src/react'],
  ['src/control'],
  ['src/simulation', 'src/backtest', 'src/load', 'src/live', 'src/cluster', 'src/keda', 'src/workload'],
  ['src/report'],
  ['src'],
  ['src/cli'],
  ['web/lib'],
  ['web/chat', 'web/dashboard', 'web/admin', 'web/fleets'],
]

/** `src/chat` of `src/chat/log/memory.ts`. */
const folderOf = (file: string) => dirname(file).split('/').slice(0, 2).join('/')
const layerOf = (file: string) => LAYERS.findIndex((layer) => layer.includes(folderOf(file)))

/** The files that one imports, for values, types or types in place; a name with a URL's query is that of the file. */
function importsOf(file: string): string[] {
  return preProcessFile(readFileSync(join(ROOT, file), 'utf8'))
    .importedFiles.map(({ fileName }) => fileName)
    .filter((name) => name.startsWith('.'))
    .map((name) => normalize(join(dirname(file), name.replace(/\?.*/, ''))))
}

const files = ['src', 'web'].flatMap((root) =>
  readdirSync(join(ROOT, root), { recursive: true, encoding: 'utf8' })
    .map((name) => join(root, name).replaceAll('\\', '/'))
    .filter((name) => /\.ts$/.test(name) && !/\.(test|config)\.ts$/.test(name)),
)
const graph = new Map(files.map((file) => [file, importsOf(file)]))
const folders = new Map<string, Set<string>>()
for (const [file, targets] of graph) {
  const from = folderOf(file)
  const known = folders.get(from) ?? new Set()
  folders.set(from, known)
  for (const to of targets.map(folderOf)) if (to !== from) known.add(to)
}

/** Every import that closes a circle, found by walking the graph in depth. */
function circles(of: ReadonlyMap<string, Iterable<string>>): string[] {
  const found: string[] = []
  const state = new Map<string, 'open' | 'done'>()
  const visit = (node: string, path: string[]): void => {
    if (state.get(node) === 'done') return
    if (state.get(node) === 'open') {
      found.push([...path.slice(path.indexOf(node)), node].join(' → '))
      return
    }
    state.set(node, 'open')
    for (const next of of.get(node) ?? []) visit(next, [...path, node])
    state.set(node, 'done')
  }
  for (const node of of.keys()) visit(node, [])
  return found
}

describe('imports', () => {
  it('are all seen, of files that exist', () => {
    const kinds = `import './a.ts'; import { a } from './b.ts'; import type { B } from './c.ts'
      export * from './d.ts'; let e: import('./e.ts').E; const f = await import('./f.ts')`
    expect(preProcessFile(kinds).importedFiles.map(({ fileName }) => fileName)).toHaveLength(6)
    expect([...graph.values()].flat().filter((target) => !existsSync(join(ROOT, target)))).toEqual([])
  })

  it('belong to a folder whose layer is known', () => {
    expect(files.filter((file) => layerOf(file) < 0)).toEqual([])
  })

  it('never go up a layer', () => {
    const up = files.flatMap((file) =>
      (graph.get(file) ?? [])
        .filter((target) => layerOf(target) > layerOf(file))
        .map((target) => `${file} → ${target}`),
    )
    expect(up).toEqual([])
  })

  it('form no circle of files, and none of folders', () => {
    expect(circles(graph)).toEqual([])
    expect(circles(folders)).toEqual([])
  })

  it('join no two pages of the browser', () => {
    const pages = LAYERS.at(-1)!
    const joined = pages.flatMap((page) => [...folders.get(page)!].filter((to) => pages.includes(to)))
    expect(joined).toEqual([])
  })

  it('are of folders that docs/architecture.md names', () => {
    const page = readFileSync(join(ROOT, 'docs/architecture.md'), 'utf8')
    const names = [...folders.keys()]
      .filter((folder) => folder.startsWith('src/'))
      .map((folder) => folder.slice(4))
    expect(names.filter((name) => !page.includes(`| \`${name}/\``))).toEqual([])
  })
})
