/**
 * What the dashboard costs, with 100 servers, ten updates a second and a full day of history: the browser's frames, and the
 * supervisor's CPU with and without a page that watches, by turns in one run. `npm run bench:dashboard -- [seconds] [servers]`;
 * needs Debian's chromium and Linux.
 */
import { launchBrowser, openPage } from '../test/support/browser.ts'
import { cpuSeconds, sleep, start, stop } from './support/processes.ts'

const [seconds = 10, servers = 100] = process.argv.slice(2).map(Number)

const { child, first } = await start<{ url: string }>('support/dashboard-process.ts', [String(servers)])
const browser = await launchBrowser()

/** Share of a core that the supervisor uses for a while. */
async function share(): Promise<number> {
  const [time, cpu] = [performance.now(), cpuSeconds(child.pid!)]
  await sleep(seconds)
  return (cpuSeconds(child.pid!) - cpu) / ((performance.now() - time) / 1000)
}

/** A script for the page: milliseconds between frames, and the tasks above 50 ms, for that many milliseconds. */
const frameTimes = (milliseconds: number) => `new Promise((resolve) => {
  const deltas = []
  let long = 0
  new PerformanceObserver((list) => { long += list.getEntries().length }).observe({ entryTypes: ['longtask'] })
  const began = performance.now()
  let last
  const next = (time) => {
    if (last !== undefined) deltas.push(time - last)
    last = time
    if (performance.now() - began < ${milliseconds}) requestAnimationFrame(next)
    else resolve({ deltas, long })
  }
  requestAnimationFrame(next)
})`

async function watch(span: string) {
  const { page, said } = await openPage(browser, first.url)
  await page.getByRole('button', { name: span }).click()
  await page
    .locator('.tile')
    .nth(servers - 1)
    .waitFor()
  await sleep(2)
  const devtools = await page.context().newCDPSession(page)
  await devtools.send('Performance.enable')
  const spent = async () => {
    const { metrics } = await devtools.send('Performance.getMetrics')
    const of = (name: string) => metrics.find((metric) => metric.name === name)!.value
    return { script: of('ScriptDuration'), task: of('TaskDuration') }
  }
  const frames = page.evaluate<{ deltas: number[]; long: number }>(frameTimes(seconds * 1000))
  const before = await spent()
  const cpu = await share()
  const after = await spent()
  const result = await frames
  await page.close()
  if (said.length > 0) throw new Error(`the page said: ${said.join('; ')}`)
  return { cpu, script: after.script - before.script, task: after.task - before.task, ...result }
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
const percent = (value: number) => `${(value * 100).toFixed(1)} %`
function percentiles(deltas: readonly number[]): string {
  const sorted = [...deltas].sort((a, b) => a - b)
  return [0.5, 0.95, 0.99, 1]
    .map((p) => sorted[Math.min(sorted.length - 1, Math.floor(p * sorted.length))]!.toFixed(1))
    .join(' / ')
}

await sleep(3)
const { page: empty } = await openPage(browser, 'about:blank')
const bare = await empty.evaluate<{ deltas: number[] }>(frameTimes(seconds * 1000))
console.log(`an empty page: frames, ms, p50 / p95 / p99 / max  ${percentiles(bare.deltas)}`)
await empty.close()
const alone: number[] = []
const watched: number[] = []
for (const span of ['5 min', '1 hour', '1 day']) {
  alone.push(await share())
  const { cpu, deltas, long, script, task } = await watch(span)
  watched.push(cpu)
  console.log(`${span}: frames, ms, p50 / p95 / p99 / max  ${percentiles(deltas)}`)
  console.log(
    `${span}: page's scripts  ${percent(script / seconds)} of a core; all its work ${percent(task / seconds)}`,
  )
  console.log(`${span}: tasks above 50 ms in ${seconds} s  ${long}`)
}
console.log(`supervisor, not watched     ${percent(mean(alone))} of a core`)
console.log(`supervisor, a page watches  ${percent(mean(watched))} of a core`)
console.log(`the dashboard costs it      ${percent(mean(watched) - mean(alone))} of a core`)
await browser.close()
await stop(child)
