import { readFileSync, unwatchFile, watchFile } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { createServer } from 'node:https'
import { invalidInput } from '../../../base/errors.ts'
import type { Logger } from '../../../base/logger.ts'
import { option, optionSet, port } from '../../../base/options.ts'
import { HTTP_DEADLINES } from '../../../http/deadlines.ts'
import { listen } from '../../../http/listen.ts'
import { splitTarget } from '../../../http/request-target.ts'
import { DESIRED_METRIC } from './hpa-manifest.ts'

export const metricOptions = optionSet({
  metricPort: option(port, 'of that metric, for the API server', 8443),
})

export interface MetricApiOptions {
  host: string
  /** 0 takes any free one. */
  port: number
  /** PEM files; read again when they change. */
  certFile: string
  keyFile: string
  /** Whose size is published. */
  namespace: string
  deployment: string
  /** The size; undefined while it is not known, and then the HPA leaves things as they are. */
  desired: () => number | undefined
  logger: Logger
}

const GROUP_VERSION = 'external.metrics.k8s.io/v1beta1'
const ROOT = `/apis/${GROUP_VERSION}`
/** How often the certificate is looked at: cert-manager and the kubelet replace it in place. */
const CERT_CHECK_MS = 10_000

const RESOURCES = {
  kind: 'APIResourceList',
  apiVersion: 'v1',
  groupVersion: GROUP_VERSION,
  resources: [
    {
      name: DESIRED_METRIC,
      singularName: '',
      namespaced: true,
      kind: 'ExternalMetricValueList',
      verbs: ['get'],
    },
  ],
}

/**
 * Serves the external metrics API of Kubernetes with one metric in it: the desired size of one Deployment. It is called by the API
 * server, for an HPA.
 * @throws {ConcertinaError} INVALID_INPUT for a certificate that cannot be used, ADDRESS_UNAVAILABLE.
 */
export async function startMetricApi(options: MetricApiOptions): Promise<{ port: number; close(): void }> {
  const { host, port, certFile, keyFile, logger } = options
  const read = (flag: string, file: string) => {
    try {
      return readFileSync(file)
    } catch (error) {
      throw invalidInput(flag, `${file}: ${(error as Error).message}`, 'a PEM file')
    }
  }
  const pair = () => ({ cert: read('--metric-cert', certFile), key: read('--metric-key', keyFile) })
  const server = (() => {
    const files = pair()
    try {
      return createServer({ ...files, ...HTTP_DEADLINES })
    } catch (error) {
      throw invalidInput(
        '--metric-cert',
        `${certFile}: ${(error as Error).message}`,
        'a certificate and its key',
      )
    }
  })()
  server.on('request', (request, response) => {
    const [status, body] = answerOf(options, request)
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(JSON.stringify(body))
  })
  const taken = await listen(server, host, port)
  const renew = () => {
    try {
      server.setSecureContext(pair())
    } catch (error) {
      logger.warn(`${(error as Error).message}; the last certificate is still used`)
    }
  }
  for (const file of [certFile, keyFile])
    watchFile(file, { interval: CERT_CHECK_MS, persistent: false }, renew)
  return {
    port: taken,
    close() {
      for (const file of [certFile, keyFile]) unwatchFile(file, renew)
      server.close()
      server.closeAllConnections()
    },
  }
}

/** The status and the body of an answer. */
type Answer = readonly [status: number, body: object]

function rejection(code: number, message: string): Answer {
  return [code, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', code, message }]
}

function answerOf({ namespace, deployment, desired }: MetricApiOptions, request: IncomingMessage): Answer {
  const { path, query } = splitTarget(request.url)
  if (request.method !== 'GET') return rejection(405, 'only GET is served')
  if (path === ROOT) return [200, RESOURCES]
  if (path !== `${ROOT}/namespaces/${namespace}/${DESIRED_METRIC}`)
    return rejection(404, `only ${DESIRED_METRIC} of namespace ${namespace} is served`)
  const selector = query.get('labelSelector') ?? ''
  if (selector !== '' && selector !== `deployment=${deployment}`)
    return rejection(404, `only deployment=${deployment} is served, not ${selector}`)
  const value = desired()
  if (value === undefined) return rejection(503, 'the desired size is not known now')
  const timestamp = new Date().toISOString().replace(/\.\d+Z/, 'Z')
  const item = { metricName: DESIRED_METRIC, metricLabels: { deployment }, timestamp, value: String(value) }
  const list = { kind: 'ExternalMetricValueList', apiVersion: GROUP_VERSION, metadata: {}, items: [item] }
  return [200, list]
}
