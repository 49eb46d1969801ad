import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { findCredentials } from './credentials.ts'

it.each([
  ['', 'all of it is missing or not as it should be'],
  ['clusters: my-secret', 'clusters is missing or not as it should be'],
  ['clusters:\n- name: a', 'clusters.0.cluster is missing or not as it should be'],
  ['clusters: [', 'it is not YAML'],
])('says in words what is wrong with the kubeconfig %j', (text, wrong) => {
  const kubeconfig = join(mkdtempSync(join(tmpdir(), 'concertina-kubeconfig-')), 'config')
  writeFileSync(kubeconfig, text)
  expect(() => findCredentials({ kubeconfig })).toThrow(
    expect.objectContaining({
      code: 'INVALID_INPUT',
      message: `${kubeconfig}: ${wrong}`,
      hint: 'a kubeconfig file',
    }),
  )
})
