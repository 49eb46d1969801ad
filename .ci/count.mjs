// Counts the tests of one or more reports of vitest; a file that ran again counts as it ended. Status 1 unless all passed.
// `--failed FILE`: prints the files with a failed test, a line each.
import { readFileSync } from 'node:fs'
import { relative } from 'node:path'

const [flag, ...rest] = process.argv.slice(2)
const onlyFailed = flag === '--failed'
const files = new Map()
for (const report of onlyFailed ? rest : [flag, ...rest]) {
  for (const { name, status, assertionResults } of JSON.parse(readFileSync(report, 'utf8')).testResults) {
    files.set(name, { status, tests: assertionResults.map((test) => test.status) })
  }
}

if (onlyFailed) {
  for (const [name, { status }] of files) if (status === 'failed') console.log(relative('', name))
} else {
  const count = { passed: 0, failed: 0, skipped: 0 }
  for (const { status, tests } of files.values()) {
    for (const test of tests) count[test === 'passed' || test === 'failed' ? test : 'skipped']++
    // A file that could not be read has no tests.
    if (status === 'failed' && !tests.includes('failed')) count.failed++
  }
  console.log(`${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`)
  if (count.failed > 0 || count.skipped > 0 || count.passed === 0) process.exitCode = 1
}
