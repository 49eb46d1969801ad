import { builtFolder, requireTool } from '../tools.ts'

const NAMES = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'] as const

/** The folder with the binaries of a control plane; undefined when they are not built. With `CI` set that is an error. */
export function kubeBinaries(): string | undefined {
  const found = builtFolder('kube-', NAMES)
  requireTool(
    found !== undefined,
    'tests on a real Kubernetes control plane need its binaries: run test/support/kube/build.sh',
  )
  return found
}
