import { get } from 'node:http'
import type { KubeApi } from '../../../src/fleet/providers/kubernetes/api.ts'
import type { Pod } from '../../../src/fleet/providers/kubernetes/objects.ts'
import { isReady } from '../../../src/fleet/providers/kubernetes/pod-state.ts'
import { Watcher } from '../../../src/fleet/providers/kubernetes/watcher.ts'
import { startBalancer } from '../balancer.ts'

export interface ServiceOptions {
  readonly namespace?: string
  readonly labelSelector: string
  readonly port: number
}

/** A Service in front of pods: a load balancer that follows those that are ready. */
export async function startService(
  api: KubeApi,
  { namespace = 'default', labelSelector, port }: ServiceOptions,
) {
  const balancer = await startBalancer()
  const routed = new Set<string>()
  const pods = new Watcher<Pod>(api, {
    path: `/api/v1/namespaces/${namespace}/pods`,
    labelSelector,
    onProblem: () => {},
    onChange: () => {
      const serving = live().filter(isReady)
      const addresses = new Set(serving.map(({ status }) => status!.podIP!))
      for (const address of routed)
        if (!addresses.has(address) && routed.delete(address)) balancer.remove(port, address)
      for (const address of addresses)
        if (!routed.has(address) && routed.add(address)) balancer.add(port, address)
    },
  })
  /** Those that are not being deleted. */
  const live = () => [...pods.objects.values()].filter(({ metadata }) => !metadata.deletionTimestamp)
  await pods.start()
  return {
    url: balancer.url,
    pods,
    live,
    async close() {
      await pods.close()
      balancer.close()
    },
  }
}

/** Whether a path is answered with 200, as a probe asks. */
export function answers(host: string, port: number, path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get({ host, port, path, timeout: 1000, agent: false }, (response) => {
      response.resume()
      resolve(response.statusCode === 200)
    })
    request.on('timeout', () => request.destroy())
    request.on('error', () => resolve(false))
  })
}
