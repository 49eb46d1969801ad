/**
 * Every policy on every trace of a folder: `npm run bench:policies -- TRACES`. Each trace is scaled by itself so that its 99.9th
 * percentile needs 40 servers; 90 s from launch to ready, 30 s between decisions. Beside them `hpa` with the best parameters for
 * each trace in hindsight.
 */

import { playedOf, STANDALONE_POLICIES, termsOf } from '../src/cli/judging.ts'
import { comparePolicies } from '../src/simulation/comparison.ts'
import { contenderOf } from '../src/simulation/judge.ts'
import { performAll } from '../src/simulation/task-pool.ts'
import { searchSpace } from '../src/simulation/tuning.ts'

const [folder] = process.argv.slice(2)
if (!folder) {
  console.error('usage: npm run bench:policies -- FOLDER_OF_TRACES')
  process.exit(2)
}
const flags = { trace: [folder], targetServers: 40 }
const terms = termsOf(flags)
const began = performance.now()
const played = playedOf(flags)
const kinds = STANDALONE_POLICIES
const compared = await comparePolicies(
  played,
  kinds.map((kind) => contenderOf(kind, terms)),
  terms,
)
const judgedSeconds = (performance.now() - began) / 1000
const hpa = contenderOf('hpa', terms)
const space = searchSpace('hpa', terms)
const tuned = await performAll(
  played.map((one) => ({ kind: 'tune', played: one, terms, contender: hpa, space })),
)
console.log(`${'trace'.padEnd(26)}${[...kinds, 'hpa tuned'].map((kind) => kind.padStart(17)).join('')}`)
for (const [i, { trace, floor, judged }] of compared.entries()) {
  const cells = judged.map(({ result, cost }) => [result.overload, cost] as const)
  const best = tuned[i]
  if (best?.kind === 'tune') {
    const { overload, serverHours } = best.tuned.result
    cells.push([overload, serverHours / floor.attainable.serverHours])
  }
  const shown = cells.map(([overload, cost]) =>
    `${(overload * 100).toFixed(2)} % ${cost.toFixed(2)} ×`.padStart(17),
  )
  console.log(trace.padEnd(26) + shown.join(''))
}
const seconds = (performance.now() - began) / 1000
console.log(
  `overload and cost over the floor; policies and floors took ${judgedSeconds.toFixed(0)} s, the tuning ${(seconds - judgedSeconds).toFixed(0)} s`,
)
