import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import type { FleetSnapshot } from '../../../src/control/control-target.ts'
import { hpaManifest } from '../../../src/fleet/providers/kubernetes/hpa-manifest.ts'
import { isReady } from '../../../src/fleet/providers/kubernetes/pod-state.ts'
import { startCli } from '../../run-cli.ts'
import { type ClusterProcess, startLogging } from '../cluster.ts'
import { startNats } from '../nats.ts'
import { startControlPlane } from './control-plane.ts'
import { Kubelet } from './kubelet.ts'
import { applyMetricMode, metricFlags } from './metric-mode.ts'
import { answers, startService } from './service.ts'

interface ChatClusterOptions {
  name: string
  maxServers: number
  /** Whether an HPA carries out the size. */
  byMetric?: boolean
}

const DEPLOYMENTS = '/apis/apps/v1/namespaces/default/deployments'
const PORT = 8080
const SETTLING_MS = 90_000

const DEPLOYMENT = {
  metadata: { name: 'chat' },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: 'chat' } },
    strategy: { rollingUpdate: { maxSurge: 2, maxUnavailable: 0 } },
    template: {
      metadata: { labels: { app: 'chat' } },
      spec: {
        terminationGracePeriodSeconds: 30,
        readinessGates: [{ conditionType: 'concertina.dev/serving' }],
        containers: [{ name: 'chat', image: 'chat' }],
        tolerations: ['not-ready', 'unreachable'].map((key) => {
          const taint = `node.kubernetes.io/${key}`
          return { key: taint, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 1 }
        }),
      },
    },
  },
}

/** A control plane, NATS, two controllers, and a Service in front of pods that are real chat servers. */
export async function startChatCluster(bin: string, { name, maxServers, byMetric }: ChatClusterOptions) {
  const closing: (() => unknown)[] = []
  const close = async () => {
    for (const close of closing.splice(0).reverse()) await close()
  }
  try {
    return { ...(await start()), close }
  } catch (error) {
    await close()
    throw error
  }

  async function start() {
    const nats = await startNats({ nodes: 1 })
    closing.push(() => nats.close())
    const plane = await startControlPlane(bin, {
      controllerManager: [
        '--node-monitor-grace-period=6s',
        '--node-monitor-period=500ms',
        '--horizontal-pod-autoscaler-sync-period=1s',
      ],
    })
    closing.push(() => plane.close())
    const broker = ['--broker', nats.url, '--cluster-name', name, '--replicas', '1', '--anonymous']
    const kubelet = new Kubelet(plane.api, {
      nodes: 3,
      subnet: byMetric ? '127.79' : '127.77',
      run: ({ metadata }, ip) => {
        const own = ['--host', ip, '--port', String(PORT), '--ref', metadata.name]
        return startCli(['server', ...broker, ...own, '--leave-seconds', '1', '--drain-seconds', '2']).child
      },
      probe: (_, ip) => answers(ip, PORT, '/readyz'),
    })
    closing.push(() => kubelet.close())
    await kubelet.start()
    await plane.api.create(DEPLOYMENTS, DEPLOYMENT)

    const service = await startService(plane.api, { labelSelector: 'app=chat', port: PORT })
    closing.push(() => service.close())
    const { pods, live } = service

    const metricMode = byMetric ? await applyMetricMode(plane) : undefined
    if (metricMode) {
      const hpas = '/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers'
      await plane.api.create(
        hpas,
        hpaManifest({ deployment: 'chat', minReplicas: 2, maxReplicas: maxServers }),
      )
    }
    const controllers: (ClusterProcess & { url: string })[] = []
    const startController = async (more: readonly string[]) => {
      const flags = [...broker, '--control-port', '0', '--provider', 'kubernetes', '--deployment', 'chat']
      flags.push('--kubeconfig', plane.kubeconfig, '--min-servers', '2', '--max-servers', String(maxServers))
      flags.push('--cooldown', '1', '--scale-up-threshold', '5', '--scale-down-threshold', '3')
      const started = startLogging(['controller', ...flags, ...more])
      closing.push(() => started.child.kill('SIGKILL'))
      const { url } = await started.line((line) => line.url !== undefined)
      controllers.push({ ...started, url: String(url) })
    }
    await startController(metricMode ? metricFlags({ ...metricMode, port: 0 }) : [])
    // The API server asks the one that stands by.
    await startController(metricMode ? metricFlags(metricMode) : [])

    /** The controller that leads, and what it sees. */
    const leading = async () => {
      for (const each of controllers) {
        const response = await fetch(`${each.url}api/state`).catch(() => undefined)
        if (response?.status === 200)
          return { controller: each, fleet: (await response.json()) as FleetSnapshot }
      }
      return undefined
    }
    /** Resolves when there are this many pods, all of them ready and known to the controller, and no other. */
    const settled = async (count: number) => {
      const expected = { live: count, ready: count, known: count, servers: count }
      for (const end = Date.now() + SETTLING_MS; ; await sleep(200)) {
        const { ready, servers } = (await leading())?.fleet ?? {}
        const pods = live()
        const now = {
          live: pods.length,
          ready: pods.filter(isReady).length,
          known: ready,
          servers: servers?.length,
        }
        if (isDeepStrictEqual(now, expected)) return
        if (Date.now() > end) throw new Error(`not ${count} pods: ${JSON.stringify(now)}`)
      }
    }
    return { nats, plane, kubelet, service, pods, controllers, leading, live, settled }
  }
}
