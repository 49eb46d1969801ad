import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { freePort } from '../ports.ts'
import type { ControlPlane } from './control-plane.ts'

export interface MetricMode {
  /** Where the API server asks for the metric. */
  readonly port: number
  readonly certFile: string
  readonly keyFile: string
}

/** Applies the manifests of metric mode, with what this cluster has instead of kube-proxy and cert-manager. */
export async function applyMetricMode({ api, folder }: ControlPlane): Promise<MetricMode> {
  const port = await freePort()
  const [certFile, keyFile] = [join(folder, 'metric.crt'), join(folder, 'metric.key')]
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  const names = ['-subj', '/CN=metrics', '-addext', 'subjectAltName=DNS:concertina-metrics.default.svc']
  execFileSync('openssl', ['req', '-x509', ...key, ...names, '-keyout', keyFile, '-out', certFile], {
    stdio: 'ignore',
  })
  const text = readFileSync('deploy/kubernetes/metric-mode.yaml', 'utf8').replaceAll('chat', 'default')
  const [service, apiService, policy] = parseAllDocuments(text).map((document) => document.toJS())
  const objects = [
    ['/api/v1/namespaces/default/services', service],
    ['/apis/apiregistration.k8s.io/v1/apiservices', apiService],
    ['/apis/networking.k8s.io/v1/namespaces/default/networkpolicies', policy],
  ]
  for (const [path, object] of objects) await api.create(`${path}?dryRun=All&fieldValidation=Strict`, object)
  service.spec = { type: 'ExternalName', externalName: 'localhost' }
  apiService.spec.caBundle = readFileSync(certFile).toString('base64')
  apiService.spec.service.port = port
  for (const [path, object] of objects) await api.create(path, object)
  return { port, certFile, keyFile }
}

/** Flags of a controller that publishes its size there. */
export function metricFlags({ port, certFile, keyFile }: MetricMode): string[] {
  const certificate = ['--metric-cert', certFile, '--metric-key', keyFile]
  return ['--scale-by', 'metric', '--metric-port', String(port), ...certificate]
}
