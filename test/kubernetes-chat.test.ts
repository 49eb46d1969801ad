import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, it } from 'vitest'
import { startUsers } from './support/chat-users.ts'
import { kubeBinaries } from './support/kube/binaries.ts'
import { startChatCluster } from './support/kube/chat-cluster.ts'
import { requireNats } from './support/nats.ts'

const bin = kubeBinaries()
const APPS = '/apis/apps/v1/namespaces/default/deployments'
const PODS = '/api/v1/namespaces/default/pods'
const NAME = 'kube'
const SLOW = { timeout: 90_000, interval: 200 }

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

it.skipIf(!bin || !requireNats())(
  'chat on Kubernetes: scaled, rolled, cut off and led by another, nothing is lost',
  { timeout: 400_000 },
  async () => {
    const cluster = await startChatCluster(bin!, { name: NAME, maxServers: 6 })
    closing.push(cluster.close)
    const { nats, plane, kubelet, service, pods, controllers, leading, live, settled } = cluster
    await settled(2)

    let load = 8
    const users = startUsers({ url: service.url, name: NAME, load: () => load })
    closing.push(() => users.close())
    await expect.poll(() => users.counts.acked, SLOW).toBeGreaterThan(20)

    const outAndRoll = await users.cutOff(async () => {
      load = 30
      await settled(6)
      const before = new Set(live().map(({ metadata }) => metadata.name))
      const annotations = { restarted: '1' }
      await plane.api.patch(`${APPS}/chat`, { spec: { template: { metadata: { annotations } } } })
      await expect.poll(() => live().some(({ metadata }) => before.has(metadata.name)), SLOW).toBe(false)
      await settled(6)
    })

    const oldLeader = (await leading())!.controller
    oldLeader.child.kill('SIGKILL')
    controllers.splice(controllers.indexOf(oldLeader), 1)
    await settled(6)

    // One that is evicted drains on SIGTERM; one is lost at once; then a node with all its pods.
    const [evicted, deleted] = live()
    await plane.api.create(`${PODS}/${evicted!.metadata.name}/eviction`, {
      apiVersion: 'policy/v1',
      kind: 'Eviction',
      metadata: { name: evicted!.metadata.name },
    })
    await plane.api.delete(`${PODS}/${deleted!.metadata.name}`, { gracePeriodSeconds: 0 })
    await expect.poll(() => pods.objects.has(evicted!.metadata.name), SLOW).toBe(false)
    await settled(6)
    const node = live()[0]!.spec!.nodeName!
    kubelet.loseNode(node)
    const left = () => live().filter(({ spec }) => spec?.nodeName === node)
    await expect.poll(() => left().length, SLOW).toBe(0)
    for (const { metadata, spec } of [...pods.objects.values()]) {
      if (spec?.nodeName === node)
        await plane.api.delete(`${PODS}/${metadata.name}`, { gracePeriodSeconds: 0 })
    }
    await settled(6)

    const chosen: string[] = []
    const gone: string[] = []
    const scaleIn = await users.cutOff(async () => {
      load = 8
      for (let names = live().map(({ metadata }) => metadata.name); names.length > 2; await sleep(100)) {
        for (const { metadata } of pods.objects.values()) {
          const draining = metadata.annotations?.['concertina.dev/draining'] !== undefined
          if (draining && !chosen.includes(metadata.name)) chosen.push(metadata.name)
        }
        const now = live().map(({ metadata }) => metadata.name)
        gone.push(...names.filter((name) => !now.includes(name)))
        names = now
      }
      await settled(2)
    })
    const { acked, delivered } = await users.check(nats.url)
    expect(acked).toBeGreaterThan(300)
    expect(delivered).toBeGreaterThan(acked)
    expect({ outAndRoll, scaleIn }).toEqual({ outAndRoll: 0, scaleIn: 0 })
    expect(gone.sort()).toEqual(chosen.sort())
    expect(users.counts.moved).toBeGreaterThan(20)
  },
)
