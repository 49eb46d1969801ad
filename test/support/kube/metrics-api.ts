import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:https'
import { join } from 'node:path'
import { listen } from '../../../src/http/listen.ts'
import type { ControlPlane } from './control-plane.ts'

const CUSTOM = 'custom.metrics.k8s.io/v1beta2'
const RESOURCE = 'metrics.k8s.io/v1beta1'
const EXTERNAL = 'external.metrics.k8s.io/v1beta1'

/** What the metrics of pods and others are at a moment. */
export interface MetricSources {
  /**
   * Values by pod of those whose labels fit; a pod whose metric is missing is not in it.
   * @param selector of labels, as in `app=chat`
   */
  pods?(selector: string): Promise<ReadonlyMap<string, number>>
  /** A metric that belongs to no object. */
  external?(name: string): Promise<number | undefined>
}

interface ApiService {
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] }
}

const failed = (error: Error): [number, object] => [500, { message: error.message }]
const thousandths = (value: number) => `${Math.round(value * 1000)}m`

/** The metrics APIs of a cluster: custom metrics and CPU of pods, and external metrics, registered with its API server. */
export class MetricsApi {
  readonly #plane: ControlPlane
  readonly #sources: MetricSources
  readonly #server: Server

  constructor(plane: ControlPlane, sources: MetricSources) {
    this.#plane = plane
    this.#sources = sources
    const pki = (name: string) => readFileSync(join(plane.folder, 'pki', name))
    this.#server = createServer(
      { cert: pki('extension.crt'), key: pki('extension.key') },
      async (request, response) => {
        const url = new URL(request.url ?? '/', 'https://metrics')
        const [status, body] = await this.#answer(url).catch(failed)
        response.writeHead(status, { 'content-type': 'application/json' })
        response.end(JSON.stringify(body))
      },
    )
  }

  async start(): Promise<void> {
    const { api, folder } = this.#plane
    const port = await listen(this.#server, '127.0.0.1', 0)
    // There is no kube-proxy: the aggregator resolves the name of such a service by itself.
    await api.create('/api/v1/namespaces/default/services', {
      metadata: { name: 'metrics' },
      spec: { type: 'ExternalName', externalName: 'localhost' },
    })
    const caBundle = readFileSync(join(folder, 'pki', 'ca.crt')).toString('base64')
    const services = '/apis/apiregistration.k8s.io/v1/apiservices'
    for (const each of [CUSTOM, RESOURCE, EXTERNAL]) {
      const [group, version] = each.split('/')
      const service = { name: 'metrics', namespace: 'default', port }
      const spec = { group, version, groupPriorityMinimum: 100, versionPriority: 100, service, caBundle }
      await api.create(services, { metadata: { name: `${version}.${group}` }, spec })
    }
    for (const each of [CUSTOM, RESOURCE, EXTERNAL]) {
      const [group, version] = each.split('/')
      for (const end = Date.now() + 30_000; ; ) {
        const { status } = await api.get<ApiService>(`${services}/${version}.${group}`)
        if (status?.conditions?.some((each) => each.type === 'Available' && each.status === 'True')) break
        if (Date.now() > end) throw new Error(`${each} did not become available`)
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
    }
  }

  close(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }

  async #answer({ pathname, searchParams }: URL): Promise<[status: number, body: object]> {
    const [, , group, version, , namespace, ...path] = pathname.split('/')
    const groupVersion = `${group}/${version}`
    const timestamp = new Date().toISOString().replace(/\.\d+Z/, 'Z')
    if (namespace === undefined) return [200, resourcesOf(groupVersion)]
    if (groupVersion === EXTERNAL) {
      const value = await this.#sources.external?.(path[0]!)
      const item = { metricName: path[0], metricLabels: {}, timestamp, value: thousandths(value ?? 0) }
      const items = value === undefined ? [] : [item]
      return [200, { kind: 'ExternalMetricValueList', apiVersion: EXTERNAL, metadata: {}, items }]
    }
    const selector = searchParams.get('labelSelector') ?? ''
    const values = [...((await this.#sources.pods?.(selector)) ?? [])]
    if (groupVersion === RESOURCE) {
      const items = values.map(([name, value]) => ({
        metadata: { name, namespace },
        timestamp,
        window: '10s',
        containers: [{ name: 'c', usage: { cpu: thousandths(value), memory: '1' } }],
      }))
      return [200, { kind: 'PodMetricsList', apiVersion: RESOURCE, metadata: {}, items }]
    }
    if (groupVersion === CUSTOM) {
      const items = values.map(([name, value]) => ({
        describedObject: { kind: 'Pod', namespace, name, apiVersion: '/v1' },
        metric: { name: path.at(-1) },
        timestamp,
        value: thousandths(value),
      }))
      return [200, { kind: 'MetricValueList', apiVersion: CUSTOM, metadata: {}, items }]
    }
    return [404, { kind: 'Status', apiVersion: 'v1', status: 'Failure', code: 404 }]
  }
}

function resourcesOf(groupVersion: string): object {
  const kinds: Record<string, [name: string, kind: string]> = {
    [CUSTOM]: ['pods/any', 'MetricValueList'],
    [RESOURCE]: ['pods', 'PodMetrics'],
    [EXTERNAL]: ['any', 'ExternalMetricValueList'],
  }
  const [name, kind] = kinds[groupVersion] ?? ['', '']
  const resources = name ? [{ name, singularName: '', namespaced: true, kind, verbs: ['get', 'list'] }] : []
  return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources }
}
