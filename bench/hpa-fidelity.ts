/**
 * Our `hpa` policy beside the HorizontalPodAutoscaler controller of Kubernetes itself: `npm run bench:hpa-fidelity -- [TRACE…]
 * [--syncs 1000] [--cases 40] [--seed 1]`. Random targets, tolerances and behavior policies, random loads and those of the traces, pods
 * that are pending and pods whose metric is missing; at each sync both see the same. Needs the binaries of
 * test/support/kube/build.sh.
 */
import { basename } from 'node:path'
import { parseArgs } from 'node:util'
import { readTrace } from '../src/traffic/traces/trace.ts'
import { kubeBinaries } from '../test/support/kube/binaries.ts'
import { compareWithHpa, randomCases, startHpaController } from '../test/support/kube/hpa-oracle.ts'

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    syncs: { type: 'string', default: '1000' },
    cases: { type: 'string', default: '40' },
    seed: { type: 'string', default: '1' },
  },
})
const bin = kubeBinaries()
if (!bin) process.exit(2)

/** As many points of a trace as there are syncs, its highest as the load of ten pods. */
const recorded = positionals.map((file) => {
  const { values: points } = readTrace(file)
  const highest = Math.max(...points)
  const start = Math.max(0, points.indexOf(highest) - 15)
  return (sync: number) => (10 * points[(start + sync) % points.length]!) / highest
})
const cases = randomCases(Number(values.cases), values.seed, recorded)
const plane = await startHpaController(bin)
const began = performance.now()
try {
  const syncs = await compareWithHpa(plane, cases, Number(values.syncs))
  const different = syncs.filter(({ real, ours }) => real !== ours)
  for (const sync of different) {
    const { case: name, number, replicas, states, real, ours, reason } = sync
    console.log(
      `${name} sync ${number}: ${replicas} replicas ${states}: real ${real}, ours ${ours}: ${reason}`,
    )
    console.log(`   ${JSON.stringify(cases.find((each) => each.name === name))}`)
  }
  const changed = syncs.filter(({ real, replicas }) => real !== replicas).length
  const uncertain = syncs.filter(({ states }) => /[pm]/.test(states)).length
  const traces = positionals.map((file) => basename(file)).join(', ')
  console.log(
    `${syncs.length} syncs of ${cases.length} HPAs${traces && ` (${traces})`} in ${((performance.now() - began) / 1000).toFixed(0)} s:`,
  )
  console.log(`${changed} changed the size, ${uncertain} had pending pods or missing metrics`)
  console.log(`${syncs.length - different.length} same, ${different.length} different`)
  process.exitCode = different.length > 0 ? 1 : 0
} finally {
  await plane.close()
}
