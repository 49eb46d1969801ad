import { existsSync, readdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

const NAMES = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'] as const

/** The folder with the binaries of a control plane; undefined when they are not built. With `CI` set that is an error. */
export function kubeBinaries(): string | undefined {
  const cache = process.env.CONCERTINA_TEST_CACHE ?? join(homedir(), '.cache', 'concertina-test')
  const folders = existsSync(cache)
    ? readdirSync(cache).filter((name) => name === 'bin' || name.startsWith('kube-'))
    : []
  const found = folders
    .map((name) => join(cache, name))
    .find((folder) => NAMES.every((name) => existsSync(join(folder, name))))
  if (!found) {
    const wanted =
      'tests on a real Kubernetes control plane need its binaries: run test/support/kube/build.sh'
    if (process.env.CI) throw new Error(wanted)
    console.log(`skipped: ${wanted}`)
  }
  return found
}
