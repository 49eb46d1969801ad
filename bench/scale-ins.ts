/**
 * How often the chosen pod is the one that goes: `npm run bench:scale-ins -- [--rounds 100] [--servers 6] [--seed 1]`. On a real
 * control plane, without load: each round drains one pod at random, waits until the Deployment has settled, and scales out again.
 * Needs the binaries of test/support/kube/build.sh.
 */
import { parseArgs } from 'node:util'
import { wallClock } from '../src/base/clock.ts'
import { pause } from '../src/base/pause.ts'
import { seededRng } from '../src/base/rng.ts'
import { Fleet } from '../src/fleet/fleet.ts'
import type { KubeList, Pod } from '../src/fleet/providers/kubernetes/objects.ts'
import { isLive, isReady } from '../src/fleet/providers/kubernetes/pod-state.ts'
import { kubernetesProvider } from '../src/fleet/providers/kubernetes/provider.ts'
import { kubeBinaries } from '../test/support/kube/binaries.ts'
import { startControlPlane } from '../test/support/kube/control-plane.ts'
import { deploymentOf } from '../test/support/kube/deployment.ts'
import { Kubelet } from '../test/support/kube/kubelet.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '100' },
    servers: { type: 'string', default: '6' },
    seed: { type: 'string', default: '1' },
  },
})
const [rounds, size] = [Number(values.rounds), Number(values.servers)]
const rng = seededRng(values.seed)
const bin = kubeBinaries()
if (!bin) process.exit(2)

const plane = await startControlPlane(bin)
const kubelet = new Kubelet(plane.api)
const never = new AbortController().signal
let fleet: Fleet | undefined
try {
  await kubelet.start()
  await plane.api.create('/apis/apps/v1/namespaces/default/deployments', deploymentOf('chat', size))
  const provider = kubernetesProvider({
    deployment: 'chat',
    kubeconfig: plane.kubeconfig,
    // Its users take a moment to move.
    empty: (_, signal) => pause(200 * rng.next(), signal),
  })
  fleet = new Fleet(wallClock(), provider, { onProblem: (reason) => console.log(reason) })
  await fleet.start()
  const live = async (): Promise<string[]> => {
    const pods = '/api/v1/namespaces/default/pods'
    const { items } = await plane.api.get<KubeList<Pod>>(pods, { query: { labelSelector: 'app=chat' } })
    return items.filter((pod) => isLive(pod) && isReady(pod)).map(({ metadata }) => metadata.name)
  }
  /** Resolves with the pods when there are `count`, all ready, and the fleet knows them. */
  const settled = async (count: number): Promise<string[]> => {
    for (const end = Date.now() + 60_000; ; await pause(20, never)) {
      const names = await live()
      if (names.length === count && fleet?.ready.length === count) return names
      if (Date.now() > end) throw new Error(`${names.length} pods after 60 s, not ${count}`)
    }
  }
  let right = 0
  const times: number[] = []
  for (let round = 0; round < rounds; round++) {
    const before = await settled(size)
    const chosen = fleet.ready[rng.below(size)]!
    const began = performance.now()
    fleet.drain(chosen.id)
    const after = await settled(size - 1)
    times.push(performance.now() - began)
    const gone = before.filter((name) => !after.includes(name))
    if (gone.length === 1 && gone[0] === chosen.ref) right++
    else console.log(`round ${round + 1}: chosen ${chosen.ref}, gone ${gone.join(', ')}`)
    fleet.scaleTo(size)
  }
  times.sort((a, b) => a - b)
  const at = (share: number) => times[Math.floor(share * (times.length - 1))]!.toFixed(0)
  console.log(`the chosen pod went in ${right} of ${rounds} scale-ins from ${size} pods`)
  console.log(`from the choice until it was gone: median ${at(0.5)} ms, longest ${at(1)} ms`)
  process.exitCode = right < 0.99 * rounds ? 1 : 0
} finally {
  await fleet?.close()
  await kubelet.close()
  await plane.close()
}
