import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, createWriteStream, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import type { ControlPlane } from '../kube/control-plane.ts'
import { freePort } from '../ports.ts'
import { builtFolder, requireTool } from '../tools.ts'

const NAMESPACE = 'keda'
const SERVICE = 'keda-metrics-apiserver'
const GROUP_VERSION = 'external.metrics.k8s.io/v1beta1'

/** The folder with KEDA's programs and CRDs; undefined when they are not built. With `CI` set that is an error. */
export function kedaBinaries(): string | undefined {
  const found = builtFolder('keda-', ['keda-operator', 'keda-adapter', 'crds'])
  requireTool(
    found !== undefined,
    'the tests with KEDA need its programs: run test/support/keda/build.sh (needs Go)',
  )
  return found
}

/** What KEDA asks of a cluster, with what this one has instead of kube-proxy: its namespace, its CRDs and its metrics API. */
async function applyManifests({ api, folder }: ControlPlane, bin: string, adapterPort: number) {
  const crds = join(bin, 'crds')
  for (const file of readdirSync(crds)) {
    const crd = parse(readFileSync(join(crds, file), 'utf8')) as object
    await api.create('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', crd)
  }
  await api.create('/api/v1/namespaces', { metadata: { name: NAMESPACE } })
  await api.create(`/api/v1/namespaces/${NAMESPACE}/services`, {
    metadata: { name: SERVICE },
    spec: { type: 'ExternalName', externalName: 'localhost' },
  })
  const [group, version] = GROUP_VERSION.split('/')
  await api.create('/apis/apiregistration.k8s.io/v1/apiservices', {
    metadata: { name: `${version}.${group}` },
    spec: {
      ...{ group, version, groupPriorityMinimum: 100, versionPriority: 100 },
      service: { name: SERVICE, namespace: NAMESPACE, port: adapterPort },
      caBundle: readFileSync(join(folder, 'pki', 'ca.crt')).toString('base64'),
    },
  })
}

/** The real operator and metrics adapter of KEDA on a control plane. */
export async function startKeda(plane: ControlPlane, bin: string): Promise<{ close(): Promise<void> }> {
  const { folder, kubeconfig } = plane
  const pki = join(folder, 'pki')
  const certs = join(folder, 'keda')
  mkdirSync(certs)
  const copies = { 'ca.crt': 'ca.crt', 'extension.crt': 'tls.crt', 'extension.key': 'tls.key' }
  for (const [from, to] of Object.entries(copies)) copyFileSync(join(pki, from), join(certs, to))
  const [secure, metrics] = [await freePort(), await freePort()]
  await applyManifests(plane, bin, secure)

  const env = {
    ...process.env,
    KUBECONFIG: kubeconfig,
    KEDA_CLUSTER_OBJECT_NAMESPACE: NAMESPACE,
    POD_NAMESPACE: NAMESPACE,
    POD_NAME: 'keda-0',
    WATCH_NAMESPACE: '',
  }
  const children: ChildProcess[] = []
  const launch = (name: string, args: readonly string[]) => {
    const child = spawn(join(bin, name), args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
    const log = createWriteStream(join(folder, `${name}.log`))
    child.stdout.pipe(log)
    child.stderr.pipe(log)
    children.push(child)
  }
  launch('keda-operator', [
    `--cert-dir=${certs}`,
    '--enable-cert-rotation=false',
    '--enable-webhook-patching=false',
    '--enable-apiservice-patching=false',
    '--metrics-bind-address=0',
    '--health-probe-bind-address=0',
    `--metrics-service-bind-address=127.0.0.1:${metrics}`,
  ])
  launch('keda-adapter', [
    '--bind-address=127.0.0.1',
    `--secure-port=${secure}`,
    `--port=${await freePort()}`,
    `--metrics-service-address=localhost:${metrics}`,
    `--cert-dir=${certs}`,
    `--tls-cert-file=${join(certs, 'tls.crt')}`,
    `--tls-private-key-file=${join(certs, 'tls.key')}`,
    `--client-ca-file=${join(pki, 'ca.crt')}`,
    ...['authentication', 'authorization', 'lister'].map((use) => `--${use}-kubeconfig=${kubeconfig}`),
  ])
  return {
    async close() {
      for (const child of children) {
        if (child.exitCode !== null || child.signalCode !== null) continue
        const gone = once(child, 'exit')
        child.kill('SIGKILL')
        await gone
      }
    },
  }
}
