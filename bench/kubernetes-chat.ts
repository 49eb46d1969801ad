/**
 * Chat on a real control plane, scaled from 2 servers to many and back while its users talk: `npm run bench:kubernetes-chat --
 * [--servers 10] [--scale-by metric]`. The pods are real chat servers on this machine; the history checker judges what users saw. Needs
 * the binaries of test/support/kube/build.sh and test/support/nats-server/build.sh.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { startUsers } from '../test/support/chat-users.ts'
import { kubeBinaries } from '../test/support/kube/binaries.ts'
import { startChatCluster } from '../test/support/kube/chat-cluster.ts'
import { requireNats } from '../test/support/nats.ts'

const { values } = parseArgs({
  options: {
    servers: { type: 'string', default: '10' },
    'scale-by': { type: 'string', default: 'replicas' },
  },
})
const servers = Number(values.servers)
const bin = kubeBinaries()
if (!bin || !requireNats()) process.exit(2)

const name = 'bench'
const cluster = await startChatCluster(bin, {
  name,
  maxServers: servers,
  byMetric: values['scale-by'] === 'metric',
})
const { nats, service, pods, live, settled } = cluster
let load = 8
const users = startUsers({ url: service.url, name, load: () => load })
/** Seconds until there were that many servers, and the users who were cut off meanwhile. */
const scale = async (to: number, count: number) => {
  const began = performance.now()
  load = to
  const cutOff = await users.cutOff(() => settled(count))
  return { seconds: (performance.now() - began) / 1000, cutOff }
}
const ending = new AbortController()
try {
  await settled(2)
  while (users.counts.acked < 20) await sleep(100)
  const out = await scale(5 * servers, servers)
  console.log(`2 → ${servers} servers in ${out.seconds.toFixed(1)} s, ${out.cutOff} users cut off`)
  const chosen = new Set<string>()
  const before = new Set(live().map(({ metadata }) => metadata.name))
  const watching = (async () => {
    for (; !ending.signal.aborted; await sleep(50)) {
      for (const { metadata } of pods.objects.values())
        if (metadata.annotations?.['concertina.dev/draining'] !== undefined) chosen.add(metadata.name)
    }
  })()
  const back = await scale(8, 2)
  ending.abort()
  await watching
  console.log(`${servers} → 2 servers in ${back.seconds.toFixed(1)} s, ${back.cutOff} users cut off`)
  const left = new Set(live().map(({ metadata }) => metadata.name))
  const gone = [...before].filter((pod) => !left.has(pod))
  console.log(`${gone.filter((pod) => chosen.has(pod)).length} of ${gone.length} pods that went were chosen`)
  const { acked, delivered } = await users.check(nats.url)
  console.log(`${acked} messages acked, ${delivered} delivered: none lost, doubled or reordered`)
  process.exitCode = out.cutOff + back.cutOff > 0 ? 1 : 0
} finally {
  ending.abort()
  users.close()
  await cluster.close()
}
