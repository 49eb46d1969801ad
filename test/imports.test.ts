import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { preProcessFile } from 'typescript'
import { describe, expect, it } from 'vitest'

const SRC = fileURLToPath(new URL('../src', import.meta.url))

/** Folders from the bottom up; a folder may import from its own line or below. */
const LAYERS = [
  ['base', 'protocol', 'http', 'telemetry'],
  ['pipeline', 'fleet', 'load-sources', 'traffic', 'scaling', 'balancing', 'metrics', 'verify'],
  ['chat', 'client', 'server-api', 'react'],
  ['control'],
  ['simulation', 'backtest', 'load', 'live', 'cluster', 'keda', 'workload', 'report'],
  ['cli', ''],
]

const layerOf = (file: string) => {
  const folder = file.includes('/') ? file.slice(0, file.indexOf('/')) : ''
  return LAYERS.findIndex((layer) => layer.includes(folder))
}

function importsOf(file: string): string[] {
  const source = readFileSync(join(SRC, file), 'utf8')
  return preProcessFile(source)
    .importedFiles.map(({ fileName }) => fileName)
    .filter((name) => name.startsWith('.'))
    .map((name) => normalize(join(dirname(file), name)))
}

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .map((name) => relative('.', name).replaceAll('\\', '/'))
  .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
const graph = new Map(files.map((file) => [file, importsOf(file)]))

/** Every import that closes a circle, found by walking the graph in depth. */
function circles(): string[] {
  const found: string[] = []
  const state = new Map<string, 'open' | 'done'>()
  const visit = (file: string, path: string[]): void => {
    if (state.get(file) === 'done') return
    if (state.get(file) === 'open') {
      found.push([...path.slice(path.indexOf(file)), file].join(' → '))
      return
    }
    state.set(file, 'open')
    for (const next of graph.get(file) ?? []) visit(next, [...path, file])
    state.set(file, 'done')
  }
  for (const file of files) visit(file, [])
  return found
}

describe('imports', () => {
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

  it('form no circle', () => {
    expect(circles()).toEqual([])
  })
})
