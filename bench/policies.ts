/**
 * Every policy on every trace of a folder: `npm run bench:policies -- TRACES`. Each trace is scaled by itself so that its 99.9th
 * percentile needs 40 servers; 90 s from launch to ready, 30 s between decisions. Beside them `hpa` with the best parameters for
 * each trace in hindsight; `--no-tuning` leaves that out. Last, what one decision of `slo` takes.
 */

import { parseArgs } from 'node:util'
import { comparePolicies } from '../src/backtest/comparison.ts'
import type { Candidate } from '../src/backtest/evaluate.ts'
import { searchSpace } from '../src/backtest/search-space.ts'
import { TaskPool } from '../src/backtest/task-pool.ts'
import { tune } from '../src/backtest/tuning.ts'
import { seededRng } from '../src/base/rng.ts'
import { evaluationOf, traceInputsOf } from '../src/cli/evaluation-flags.ts'
import { createPolicy } from '../src/scaling/policies.ts'

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { 'no-tuning': { type: 'boolean', default: false } },
})
const [folder] = positionals
if (!folder) {
  console.error('usage: npm run bench:policies -- FOLDER_OF_TRACES [--no-tuning]')
  process.exit(2)
}
const flags = { trace: [folder], targetServers: 40 }
const { settings, candidates } = evaluationOf({})
const began = performance.now()
const secondsSince = (from: number) => ((performance.now() - from) / 1000).toFixed(0)
const input = traceInputsOf(flags)
const policies = candidates()
const compared = await comparePolicies(input, policies, settings)
const judgedSeconds = secondsSince(began)
const tuningBegan = performance.now()
const [hpa] = candidates(['hpa']) as [Candidate]
const pool = new TaskPool()
const space = searchSpace(hpa.policy, settings)
const cell = (overload: number, cost: number) =>
  `${(overload * 100).toFixed(2)} % ${cost.toFixed(2)} ×`.padStart(17)
const names = policies.map(({ name }) => name)
const head = [...names, ...(values['no-tuning'] ? [] : ['hpa tuned'])]
console.log(`${'trace'.padEnd(26)}${head.map((name) => name.padStart(17)).join('')}`)
for (const [i, { trace, floor, evaluated: each }] of compared.entries()) {
  const cells = each.map(({ result, cost }) => cell(result.overload, cost))
  const tuned = values['no-tuning']
    ? undefined
    : await tune(pool, input[i]!, hpa, settings, space, { rounds: 3 })
  if (tuned) {
    const { overload, serverHours } = tuned.result
    cells.push(
      cell(overload, serverHours / floor.attainable.serverHours),
      `  ${JSON.stringify(tuned.setting)}`,
    )
  }
  console.log(trace.padEnd(26) + cells.join(''))
}
await pool.close()
const { user, system } = process.cpuUsage()
console.log(
  `overload and cost over the floor; policies and floors took ${judgedSeconds} s${values['no-tuning'] ? '' : `, the tuning ${secondsSince(tuningBegan)} s`}; ${((user + system) / 1e6).toFixed(0)} s of CPU`,
)

const DECISIONS = 20_000
const slo = createPolicy({ kind: 'slo', usersPerServer: 30, provisioningDelay: 90 })
const rng = seededRng('decisions')
const before = process.cpuUsage().user
for (let i = 0, size = 20; i < DECISIONS; i++) {
  const load = 600 * (1 + 0.5 * rng.next())
  size = slo.evaluate({ time: i * 30, load, desiredCount: size, servers: [] }).servers
}
console.log(`one decision of slo: ${((process.cpuUsage().user - before) / DECISIONS).toFixed(0)} µs of CPU`)
